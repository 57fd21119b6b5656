"""A month of stored calls, made up, to measure the console on: calls, words, callers, articles."""
