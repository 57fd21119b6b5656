"""Asterisk's chan_websocket: audio in WebSocket messages."""
