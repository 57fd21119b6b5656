"""How the caller feels, from words and voice."""
