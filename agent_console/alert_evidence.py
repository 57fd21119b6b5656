"""What an alert rests on: both sides' words around it, the rules that told it, and its sound.

Functions take a Connection; call them in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import msgspec
from sqlalchemy import Connection, RowMapping, select

from agent_console.live.views import AlertView
from backbone.media import Role
from backbone.store.schema import alerts, calls, segments
from qa_engine.events import Evidence
from qa_engine.privacy import mask
from qa_engine.versions import version_in_force
from telephony.recording.storage import recordings_of

AROUND_S = 15.0
"""Words of both sides that lie no farther from what was found are shown with it."""
LEAD_S = 2.0
"""Sound before and after it: a sentence is not understood from its last word."""


@dataclass(frozen=True, slots=True)
class SaidAround:
    """One sentence; `start`, `end` on the call's clock, `confidence` of the recogniser 0..1.

    `marked` are the characters [from, to) of `text` that the rule found; None where it found none.
    """

    segment_id: str
    role: Role
    start: float
    end: float
    text: str
    confidence: float
    unintelligible: bool
    marked: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SoundAround:
    """Where it can be heard: [`from_s`, `to_s`) of the recording at `address`.

    `from_call_s` is the same beginning on the call's clock.
    """

    address: str
    from_s: float
    to_s: float
    from_call_s: float


@dataclass(frozen=True, slots=True)
class AlertEvidence:
    """What an alert rests on. `version` is that of the rules, `confidence` the sentence's."""

    version: str
    confidence: float | None
    words: list[SaidAround]
    sound: SoundAround | None


def evidence_of(connection: Connection, alert: AlertView, *, audible: bool) -> AlertEvidence:
    """What an alert rests on; `audible` tells whether who asks may hear recordings."""
    stored = connection.scalar(select(alerts.c.evidence).where(alerts.c.alert_id == alert.alert_id))
    evidence = msgspec.json.decode(stored or "{}", type=Evidence)
    words = _words(connection, alert, evidence)
    own = next((said for said in words if said.segment_id == evidence.segment_id), None)
    return AlertEvidence(
        version=alert.version or _version_then(connection, alert),
        confidence=None if own is None else own.confidence,
        words=words,
        sound=_sound(connection, alert) if audible else None,
    )


def _words(connection: Connection, alert: AlertView, evidence: Evidence) -> list[SaidAround]:
    columns = segments.c
    query = (
        select(segments)
        .where(
            columns.call_id == alert.call_id,
            columns.start < alert.end + AROUND_S,
            columns.end > alert.start - AROUND_S,
        )
        .order_by(columns.start, columns.end)
    )
    return [_said(row, evidence) for row in connection.execute(query).mappings()]


def _said(row: RowMapping, evidence: Evidence) -> SaidAround:
    found = row["segment_id"] == evidence.segment_id
    return SaidAround(
        segment_id=row["segment_id"],
        role=cast("Role", row["role"]),
        start=row["start"],
        end=row["end"],
        text=mask(row["text"]),
        confidence=row["confidence"],
        unintelligible=row["unintelligible"],
        marked=evidence.span if found else None,
    )


def _version_then(connection: Connection, alert: AlertView) -> str:
    """Of an alert that does not say: a call keeps the rules that were in force when it began."""
    begun = connection.scalar(select(calls.c.joined_at).where(calls.c.call_id == alert.call_id))
    return version_in_force(connection, alert.at if begun is None else begun)


def _sound(connection: Connection, alert: AlertView) -> SoundAround | None:
    kept = [leg for leg in recordings_of(connection, alert.call_id) if leg.kept]
    if not kept or alert.role == "call":
        return None
    # Both sides together begin where the earlier one does.
    begin = min(leg.offset_s for leg in kept)
    length = max(leg.offset_s + leg.duration_s for leg in kept) - begin
    from_s = min(max(0.0, alert.start - LEAD_S - begin), length)
    return SoundAround(
        address=f"/api/v1/calls/{alert.call_id}/audio?leg=both",
        from_s=round(from_s, 2),
        to_s=round(min(length, max(from_s, alert.end + LEAD_S - begin)), 2),
        from_call_s=round(from_s + begin, 2),
    )
