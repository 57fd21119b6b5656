"""Pushes to the telephones and watches of those who should know."""
