"""Recordings: both sides of answered calls in files, kept for as long as the site says."""
