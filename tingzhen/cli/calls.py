"""`tingzhen calls`: call records from a recorded AMI stream."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from telephony.events import CallRecord
from tingzhen.cli.output import console, print_json

HELP = """Print the call records that a recorded AMI stream holds.

A line for each queue visit. Beside FILE.ami an index FILE.ami.idx (arrival time, offset, length
of each read) is used when it is there.

Examples:

    tingzhen calls --ami busy-hour.ami

    tingzhen calls --ami busy-hour.ami --json | jq 'select(.outcome != "answered")'
"""


def calls(
    ami: Annotated[Path, typer.Option(help="Recorded bytes of an AMI connection.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print call records."""
    from telephony.replay import records_from_capture

    records = records_from_capture(ami)
    if json:
        for record in records:
            print_json(record_line(record))
        return
    table = Table("queue", "caller", "agent", "outcome", "wait", "ring", "talk", "hold", "by", "")
    for record in records:
        table.add_row(
            record.queue,
            record.caller,
            record.agent or "–",
            record.outcome,
            *(_seconds(value) for value in (record.wait_s, record.ring_s, record.talk_s)),
            _seconds(record.hold_s),
            record.hangup_by or "–",
            "" if record.complete else record.incomplete_reason,
        )
    console.print(table)


def record_line(record: CallRecord) -> dict[str, object]:
    """A call record as a line of output: the record's fields, durations to the millisecond."""
    line = {"type": "call", **msgspec.to_builtins(record)}
    for key, value in line.items():
        if isinstance(value, float):
            line[key] = round(value, 3)
    return line


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
