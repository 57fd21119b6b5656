"""Legs: the audio of one side of a call, however it comes."""
