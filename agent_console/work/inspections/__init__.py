"""Scoring of calls by people: sampling, blind scores, agreement, appeals."""
