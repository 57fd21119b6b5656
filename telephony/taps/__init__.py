"""Asking Asterisk for both sides of a call."""
