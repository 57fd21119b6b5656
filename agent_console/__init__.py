"""HTTP API, live hub and the web app of team leads."""
