"""What all else stands on: bus, store, clock, ids, counters. Imports nothing of ours."""
