"""The API's description without a running server, for whoever generates a client from it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine

from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.settings import ConsoleSettings
from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters


def document() -> dict[str, Any]:
    """The OpenAPI document of all routes, as a running server has it."""
    counters = Counters()
    engine = create_engine("sqlite://")  # never opened: no route is called
    context = ConsoleContext.build(
        ConsoleSettings(), Bus(counters), SystemClock(), counters, engine
    )
    return create_app(context).openapi()
