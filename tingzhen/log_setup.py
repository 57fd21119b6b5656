"""Logs: one line an event on stderr, with ids and counts, never with what people said."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Fields that carry personal data. Nobody should log them; if somebody does, they stop here.
_PERSONAL = frozenset(
    {"caller", "caller_name", "callerid", "evidence", "name", "number", "phrase", "text", "words"}
)


def drop_personal(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace the values of personal fields."""
    for key in _PERSONAL & event.keys():
        event[key] = "[withheld]"
    return event


def configure_logging(level: str = "info", *, json: bool = False) -> None:
    """Set up structlog and the standard library's loggers alike.

    Raises:
        ValueError: no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"no such log level: {level}")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        drop_personal,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # Local variables of a traceback hold callers and transcripts.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
