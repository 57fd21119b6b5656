"""Asterisk's manager interface: bytes to messages, and the connection that carries them."""
