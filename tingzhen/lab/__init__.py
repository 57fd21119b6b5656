"""The lab: a real Asterisk on loopback, with callers and agents as SIP phones that play audio.

For trying Tingzhen without a telephone, and for testing it against the real thing. Needs the
extra `lab`.
"""
