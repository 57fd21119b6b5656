"""`tingzhen reconcile`: our call records against Asterisk's own log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from backbone.errors import UserError
from tingzhen.cli.output import console, print_json, stderr

if TYPE_CHECKING:
    from telephony.events import CallRecord

HELP = """Lay our call records beside Asterisk's queue_log and list every difference.

The records are those of the store, or of a recorded AMI stream. Exit status 1 when there is a
difference or a line that cannot be read. What queue_log's whole seconds truncate is no
difference; docs/telephony.md says exactly what is compared.

Examples:

    tingzhen reconcile --queue-log /var/log/asterisk/queue_log --since 2026-11-20

    tingzhen reconcile --queue-log queue_log --ami busy-hour.ami --json
"""


def reconcile(
    queue_log: Annotated[Path, typer.Option(help="Asterisk's queue_log.")],
    ami: Annotated[
        Path | None, typer.Option(help="Recorded AMI stream, in place of the store.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of the node (TOML).")] = None,
    system: Annotated[str, typer.Option(help="Name of the PBX, where there are several.")] = "",
    since: Annotated[
        str, typer.Option(help="First day or instant (ISO 8601, this machine's time zone).")
    ] = "",
    until: Annotated[str, typer.Option(help="End, not included; as --since.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Compare."""
    from telephony.reconcile import compare
    from telephony.reconcile_job import load_queue_log

    begins, ends = _instant(since, "--since"), _instant(until, "--until")
    log = load_queue_log(queue_log)
    first = begins if begins is not None else float(log.first_at or 0)
    last = ends if ends is not None else float((log.last_at or 0) + 1)
    if ami is not None:
        from telephony.replay import records_from_capture

        records: list[CallRecord] = list(records_from_capture(ami))
    else:
        records = _stored(config, system, first, last)
    found = compare(records, log, since=begins, until=ends)
    if json:
        for bad in log.bad_lines:
            print_json({"type": "bad_line", "line": bad.line, "reason": bad.reason})
        for difference in found.differences:
            print_json({"type": "difference", **msgspec.structs.asdict(difference)})
        print_json(
            {
                "type": "reconcile",
                "since": found.since,
                "until": found.until,
                "records": found.records,
                "logged": found.logged,
                "compared": found.compared,
                "differences": len(found.differences),
                "by_kind": found.counts,
                "bad_lines": len(log.bad_lines),
            }
        )
    else:
        for bad in log.bad_lines:
            stderr.print(f"{queue_log}:{bad.line}: {bad.reason}", markup=False)
        if found.differences:
            table = Table("joined", "queue", "uniqueid", "line", "what", "ours", "queue_log")
            for difference in found.differences:
                table.add_row(
                    _local(difference.at),
                    difference.queue,
                    difference.uniqueid,
                    str(difference.line or "–"),
                    difference.kind,
                    difference.ours or "–",
                    difference.log or "–",
                )
            console.print(table)
        console.print(
            f"{found.compared} visits compared, {len(found.differences)} differences, "
            f"{len(log.bad_lines)} unreadable lines"
        )
    if found.differences or log.bad_lines:
        raise typer.Exit(1)


def _stored(config: Path | None, system: str, since: float, until: float) -> list[CallRecord]:
    from telephony.reconcile_job import MARGIN_S
    from telephony.storage import records_between
    from tingzhen.settings import load_settings
    from tingzhen.stored import reading_store

    settings = load_settings(config)
    names = [pbx.system for pbx in settings.pbx]
    if not system and len(names) > 1:
        raise UserError(f"several PBXs: say which by --system ({', '.join(names)})")
    with reading_store(settings) as connection:
        return records_between(
            connection,
            since - MARGIN_S,
            until + MARGIN_S,
            system or (names[0] if names else None),
        )


def _instant(text: str, option: str) -> float | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise UserError(f"{option}: {text!r} is no ISO 8601 date or time") from None


def _local(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%m-%d %H:%M:%S")
