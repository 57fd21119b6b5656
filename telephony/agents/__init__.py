"""Agents and queues as they are now: who is free, who rings, who waits."""
