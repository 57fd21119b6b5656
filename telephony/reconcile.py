"""Our call records beside Asterisk's queue_log, difference by difference. Pure.

queue_log counts in whole seconds, each the difference of two truncated clocks, so its durations
may be off by just under one second either way; its ring time counts from the start of the dial
round, so it may also be longer than the phone alerted. What lies within is no difference. Nor is
what queue_log cannot tell: it calls a waiting caller who was moved away abandoned, and names
caller or agent when in truth an operator or the PBX itself ended the call.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec

from telephony.events import CallRecord
from telephony.queue_log import LoggedVisit, QueueLog

Kind = Literal[
    "missing", "extra", "outcome", "agent", "hangup_by", "wait", "ring", "talk", "missed_rings"
]

TRUNCATION_S = 1.0
"""The most that a duration between two whole-second clocks can be off."""
AGREEMENT_S = 0.05
"""What our times may be off themselves."""
DIALLING_S = 2.0
"""The most that a dial round may have begun before the phone alerted."""
_SAME_JOIN_S = 2.0
_Note = Callable[[Kind, object, object], None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which a visit's record and its log lines do not agree.

    `line` is the first line of the visit in the log, 0 when there is none. `ours` and `log` are
    what either says, as text; no caller's number or name is in them.
    """

    kind: Kind
    uniqueid: str
    queue: str
    at: float
    line: int
    ours: str
    log: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it. `compared` are the visits that both sides have."""

    since: float
    until: float
    records: int
    logged: int
    compared: int
    differences: tuple[Difference, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Differences by kind."""
        return dict(Counter(difference.kind for difference in self.differences))


def compare(
    records: Iterable[CallRecord],
    log: QueueLog,
    *,
    since: float | None = None,
    until: float | None = None,
) -> Comparison:
    """Compare visits that began from `since` to before `until`.

    Args:
        records: ours, of one PBX; those outside the window may be among them.
        log: the PBX's queue_log.
        since: seconds since the epoch; None: where the log begins.
        until: None: where the log ends.
    """
    begins = since if since is not None else float(log.first_at or 0)
    ends = until if until is not None else float((log.last_at or 0) + 1)
    ours: defaultdict[str, list[CallRecord]] = defaultdict(list)
    for call in sorted(records, key=lambda call: call.joined_at):
        ours[call.uniqueid].append(call)
    theirs: defaultdict[str, list[LoggedVisit]] = defaultdict(list)
    for logged in log.visits:
        theirs[logged.uniqueid].append(logged)
    differences: list[Difference] = []
    counted = Counter[str]()
    for uniqueid in sorted(ours.keys() | theirs.keys()):
        for record, visit in _pairs(ours[uniqueid], theirs[uniqueid]):
            at = _began(record, visit)
            if not begins <= at < ends:
                continue
            counted["records"] += record is not None
            counted["logged"] += visit is not None
            if record is not None and visit is not None:
                counted["compared"] += 1
                differences += _differences(record, visit)
            elif record is not None:
                differences.append(_alone(record))
            elif visit is not None and _is_told(visit):
                differences.append(_unknown(visit, at))
    differences.sort(key=lambda difference: (difference.at, difference.kind))
    return Comparison(
        begins,
        ends,
        counted["records"],
        counted["logged"],
        counted["compared"],
        tuple(differences),
    )


def _pairs(
    records: list[CallRecord], visits: list[LoggedVisit]
) -> list[tuple[CallRecord | None, LoggedVisit | None]]:
    """Bring the visits of one channel together: those that began together, then in order."""
    pairs: list[tuple[CallRecord | None, LoggedVisit | None]] = []
    rest = list(visits)
    unpaired = []
    for record in records:
        same = next((v for v in rest if _began_together(record, v)), None)
        if same is None:
            unpaired.append(record)
        else:
            rest.remove(same)
            pairs.append((record, same))
    for record in unpaired:
        # A record whose join we did not see has an estimated one.
        near = next((v for v in rest if v.queue == record.queue and not record.complete), None)
        near = near or next((v for v in rest if v.entered_at is None), None)
        if near is not None:
            rest.remove(near)
        pairs.append((record, near))
    return pairs + [(None, visit) for visit in rest]


def _began_together(record: CallRecord, visit: LoggedVisit) -> bool:
    entered = visit.entered_at
    return (
        entered is not None
        and record.queue == visit.queue
        and abs(record.joined_at - entered) <= _SAME_JOIN_S
    )


def _began(record: CallRecord | None, visit: LoggedVisit | None) -> float:
    if visit is not None and visit.entered_at is not None:
        # Truncated: the visit that began within the first second belongs to the window.
        return record.joined_at if record is not None else float(visit.entered_at)
    if record is not None:
        return record.joined_at
    return float(visit.ended_at or 0) if visit is not None else 0.0


def _is_told(visit: LoggedVisit) -> bool:
    """Whether the log tells a whole visit; one that is under way or cut off is nobody's fault."""
    return visit.entered_at is not None and (visit.ended_at is not None or visit.restarted)


def _alone(record: CallRecord) -> Difference:
    return Difference(
        kind="extra",
        uniqueid=record.uniqueid,
        queue=record.queue,
        at=record.joined_at,
        line=0,
        ours=record.outcome,
        log="",
    )


def _unknown(visit: LoggedVisit, at: float) -> Difference:
    return Difference(
        kind="missing",
        uniqueid=visit.uniqueid,
        queue=visit.queue,
        at=at,
        line=visit.line,
        ours="",
        log=visit.outcome or "cut off",
    )


def _differences(record: CallRecord, visit: LoggedVisit) -> list[Difference]:
    found: list[Difference] = []

    def note(kind: Kind, ours: object, log: object) -> None:
        found.append(
            Difference(
                kind=kind,
                uniqueid=record.uniqueid,
                queue=record.queue,
                at=record.joined_at,
                line=visit.line,
                ours=_text(ours),
                log=_text(log),
            )
        )

    ours = "abandoned" if record.outcome == "transferred_in_queue" else record.outcome
    if visit.outcome is None:
        if record.complete:
            note("outcome", record.outcome, "cut off" if visit.restarted else "under way")
        return found
    if ours != visit.outcome:
        note("outcome", record.outcome, visit.outcome)
        return found
    if visit.entered_at is not None:
        _compare_time(note, "wait", record.wait_s, visit.wait_s, early=0.0)
    if len(record.unanswered) != visit.missed and record.complete:
        note("missed_rings", len(record.unanswered), visit.missed)
    if record.outcome == "answered":
        _compare_talk(note, record, visit)
    return found


def _compare_talk(note: _Note, record: CallRecord, visit: LoggedVisit) -> None:
    if visit.agent not in {record.agent, record.agent_name}:
        note("agent", record.agent, visit.agent)
    if visit.hangup_by and not _same_side(record, visit):
        note("hangup_by", record.hangup_by, visit.hangup_by)
    if visit.ring_s:  # 0 is also what it says whenever the queue's timeout is 0
        # A round in which another phone refused began before this one rang: at most with the wait.
        early = record.wait_s if visit.missed and record.wait_s else DIALLING_S
        _compare_time(note, "ring", record.ring_s, visit.ring_s, early=early)
    _compare_time(note, "talk", record.talk_s, visit.talk_s, early=0.0)


def _same_side(record: CallRecord, visit: LoggedVisit) -> bool:
    if record.hangup_by == "system" or (not record.hangup_by and not record.complete):
        return True
    return record.hangup_by == visit.hangup_by


def _compare_time(
    note: _Note,
    kind: Kind,
    ours: float | None,
    log: int | None,
    *,
    early: float,
) -> None:
    if ours is None or log is None:
        return
    allowed = TRUNCATION_S + AGREEMENT_S
    if not -allowed < log - ours < allowed + early:
        note(kind, ours, log)


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
