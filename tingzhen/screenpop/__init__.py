"""How long it takes from a phone's ringing until its agent sees who calls."""
