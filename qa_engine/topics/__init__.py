"""What a call is about, told while it goes on."""
