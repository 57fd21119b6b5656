from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from console_world import World, world


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as desk:
        yield desk
