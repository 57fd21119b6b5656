"""Asterisk's AudioSocket: the frames, and the server that taps send audio to."""
