"""Asterisk: AMI bytes to call events, media taps to audio, supervisor control."""
