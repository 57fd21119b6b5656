"""`tingzhen run`: a node."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbone.errors import UserError
from tingzhen.cli.output import stderr

if TYPE_CHECKING:
    from agent_console.server import ConsoleServer
    from tingzhen.settings import Settings

HELP = """Run this node: listen to the PBXs of the settings until stopped.

Examples:

    tingzhen run --config tingzhen.toml

    TINGZHEN_CONSOLE__PORT=8080 tingzhen run --config tingzhen.toml

    tingzhen run --config tingzhen.toml --components telephony,metrics,console
"""


def run(
    config: Annotated[Path | None, typer.Option(help="Settings of the node (TOML).")] = None,
    components: Annotated[
        str, typer.Option(help="Comma-separated: telephony, asr, qa, console, metrics.")
    ] = "",
) -> None:
    """Run a node."""
    from tingzhen.log_setup import configure_logging
    from tingzhen.settings import load_settings

    settings = load_settings(config, **_chosen(components))
    configure_logging(settings.log_level, json=settings.log_json)
    if not settings.pbx and "telephony" in settings.components:
        raise UserError("no PBX to listen to: add a [[pbx]] section (README, 'A real Asterisk')")
    asyncio.run(_serve(settings))


def _chosen(components: str) -> dict[str, tuple[str, ...]]:
    from tingzhen.settings import COMPONENTS

    if not components:
        return {}
    names = tuple(name.strip() for name in components.split(","))
    unknown = sorted(set(names) - set(COMPONENTS))
    if unknown:
        raise UserError(f"no such component: {', '.join(unknown)}")
    return {"components": names}


async def _let_in(console: ConsoleServer, newcomer: str) -> None:
    """Print the link of the first login; a store that takes none stops nobody from listening."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        link = await asyncio.to_thread(console.login_link, newcomer)
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or type(error).__name__
        stderr.print(
            f"no link for the first login ({reason}); later: tingzhen console link {newcomer}"
        )
        return
    stderr.print(f"first login as [b]{newcomer}[/], once, within the hour:")
    stderr.print(link, soft_wrap=True)


async def _serve(settings: Settings) -> None:
    from backbone.clock import SystemClock
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.node import running_node

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    recogniser = (
        await asyncio.to_thread(load_recogniser, settings.asr, settings.qa.rules)
        if "asr" in settings.components
        else None
    )
    async with running_node(settings, SystemClock(), recogniser) as node:
        if node.console is not None:
            stderr.print(f"console: {node.console.address}")
            if node.console.newcomer is not None:
                await _let_in(node.console, node.console.newcomer)
        await stop.wait()
        stderr.print("stopping …")
