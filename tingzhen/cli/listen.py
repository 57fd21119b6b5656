"""`tingzhen listen`: a call on this machine's sound cards."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbone.errors import UserError
from tingzhen.cli.analyze import alert_text, event_line
from tingzhen.cli.output import console, print_json, stderr
from tingzhen.cli.transcribe import show_transcript

if TYPE_CHECKING:
    from asr.soundcard import Source
    from backbone.media import Role

HELP = """Listen to a call on sound cards: an agent's headset where there is no PBX to ask.

One device with two channels is agent left, caller right; or name a device for each side. Ctrl-C
ends the call. Needs the extra `mic`.

Examples:

    tingzhen listen --list

    tingzhen listen --device "Headset stereo"

    tingzhen listen --device 3 --customer-device 5 --json
"""


def listen(
    device: Annotated[
        str | None, typer.Option(help="Input device of the agent, or of both: number or name.")
    ] = None,
    customer_device: Annotated[str | None, typer.Option(help="Input device of the caller.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rule pack (a folder); ours if unset.")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after so long; 0 for never.")] = 0.0,
    show: Annotated[bool, typer.Option("--list", help="Show the input devices.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Listen to one call."""
    from asr.soundcard import input_devices
    from tingzhen.log_setup import configure_logging

    configure_logging("warning")
    if show:
        for one in input_devices():
            if json:
                print_json(
                    {"type": "device", "index": one.index, "name": one.name,
                     "channels": one.channels, "rate": one.rate}
                )  # fmt: skip
            else:
                console.print(f"{one.index:>3} {one.name} ({one.channels} ch)", markup=False)
        return
    if device is None:
        raise UserError("name an input device: --device NUMBER-OR-NAME (--list shows them)")
    asyncio.run(_hear(_sources(device, customer_device), rules, seconds, json=json))


def _sources(device: str, customer_device: str | None) -> dict[Role, Source]:
    from asr.soundcard import Source, find_device

    agent = find_device(device)
    if customer_device is not None:
        return {"agent": Source(agent), "customer": Source(find_device(customer_device))}
    if agent.channels == 1:
        return {"agent": Source(agent)}
    return {"agent": Source(agent, 0), "customer": Source(agent, 1)}


async def _hear(
    sources: dict[Role, Source], rules: Path | None, seconds: float, *, json: bool
) -> None:
    from asr.events import TranscriptFinal
    from backbone.clock import SystemClock
    from qa_engine.events import Alert
    from qa_engine.pack import DEFAULT_PACK, load
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.listening import listen as hear
    from tingzhen.settings import load_settings

    settings = load_settings().asr
    pack = load(rules or DEFAULT_PACK)
    recogniser = await asyncio.to_thread(load_recogniser, settings, rules)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds:
        loop.call_later(seconds, stop.set)
    stderr.print("listening …")
    judged = hear(sources, pack, settings, recogniser, SystemClock(), stop=stop)
    async for known_at, event in judged:
        if json:
            line = event_line(known_at, event)
            if line is not None:
                print_json(line)
        elif isinstance(event, TranscriptFinal):
            show_transcript(event.role, event)
        elif isinstance(event, Alert):
            console.print(alert_text(event))
