"""Audio to transcripts: voice activity, streaming recognition, scheduling."""
