"""How fast and at what cost many browsers are told of an alert."""
