"""`tingzhen demo`: bundled calls through the whole real system."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from qa_engine.events import Alert
from telephony.events import CallEnded
from tingzhen.cli.analyze import alert_text, event_line
from tingzhen.cli.calls import record_line
from tingzhen.cli.output import console, print_json

HELP = """Play bundled calls through the whole system and show the console.

Only the PBX is replaced: by a recorded AMI stream and recorded legs. Recognition, rules, console
and /metrics are the real ones. Stop with Ctrl-C.

Examples:

    tingzhen demo

    tingzhen demo --once --no-browser

    tingzhen demo --speed 2 --port 9000
"""


def demo(
    speed: Annotated[
        float, typer.Option(min=0.1, max=10, help="How fast time passes; recognition does not.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Stop after the last call.")] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the console's address.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Console's port; 0 picks a free one.")
    ] = 8787,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Run the demo."""
    from tingzhen.cli.recogniser import load_recogniser
    from tingzhen.demo.play import DemoOptions, DemoView, play
    from tingzhen.log_setup import configure_logging
    from tingzhen.settings import load_settings

    # The environment's settings for recognition hold here too; everything else is the demo's.
    configure_logging("warning")
    asr = load_settings().asr
    recogniser = load_recogniser(asr)
    options = DemoOptions(speed=speed, once=once, browser=not no_browser, port=port, asr=asr)
    view = DemoView(
        started=lambda links: _started(links, json=json),
        alert=lambda alert: _alert(alert, json=json),
        ended=lambda ended: _ended(ended, json=json),
    )
    asyncio.run(play(options, recogniser, view))


def _started(links: Mapping[str, str], *, json: bool) -> None:
    if json:
        print_json({"type": "started", "address": links["lead"], "links": dict(links)})
        return
    console.print(f"听诊 console: [b]{links['lead']}[/]", soft_wrap=True)
    for who, link in links.items():
        if who != "lead":
            console.print(f"[dim]{who:>12}: {link}[/]", soft_wrap=True)
    console.print("[dim]each link logs one browser in, once; Ctrl-C stops the demo[/]")


def _alert(alert: Alert, *, json: bool) -> None:
    if json:
        line = event_line(alert.start, alert)
        print_json({**(line or {}), "call_id": alert.call_id, "emitted_at": alert.at})
    else:
        console.print(alert_text(alert))


def _ended(ended: CallEnded, *, json: bool) -> None:
    record = ended.record
    if json:
        print_json(record_line(record))
        return
    wait = "–" if record.wait_s is None else f"{record.wait_s:.1f} s"
    console.print(
        f"[dim]      {record.queue}: {record.outcome}, wait {wait}, {record.agent or 'no agent'}[/]"
    )
