"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command that a test runs logs to a stream that ends with it: later tests must not."""
    yield
    structlog.reset_defaults()
