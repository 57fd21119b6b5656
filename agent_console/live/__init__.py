"""What is happening now: a projection of the events, and its way into the browsers."""
