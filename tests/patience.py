"""How long tests wait for what must come."""

PATIENCE_S = 90
"""Far longer than anything takes: what is waited for is told of by events, and only a test that
fails waits so long. Shorter than the time that a whole test is given (pyproject.toml)."""
