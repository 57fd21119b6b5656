"""Transcripts and call events to hits, alerts and compliance."""
