"""Sentences for the agent, chosen by how the caller feels, and whether they were used."""
