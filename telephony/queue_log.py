"""Asterisk's own queue_log, read into queue visits. Pure: lines in, visits out.

A line is `time|uniqueid|queue|agent|event|data…`, times and durations in whole seconds. What no
visit is made of (members, pauses, configuration) is passed over; a line that cannot be read is
reported with its number and costs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from telephony.events import HangupBy, Outcome

_FIELDS = 5
_EXITS: dict[str, tuple[Outcome, int]] = {
    "ABANDON": ("abandoned", 2),
    "EXITWITHTIMEOUT": ("timeout", 2),
    "EXITWITHKEY": ("exit_key", 3),
    "EXITEMPTY": ("exit_empty", 2),
    "WITHDRAW": ("withdrawn", 2),
}
"""Events that end a wait: the outcome, and which datum counts the seconds waited."""

_ENDS: dict[str, tuple[HangupBy, int]] = {
    "COMPLETECALLER": ("customer", 1),
    "COMPLETEAGENT": ("agent", 1),
    "BLINDTRANSFER": ("transfer", 3),
    "ATTENDEDTRANSFER": ("transfer", 3),
    "TRANSFER": ("transfer", 3),
}
"""Events that end an agent's part: by whom, and which datum counts the seconds talked."""

_OF_A_VISIT = frozenset({"CONNECT", "RINGNOANSWER", *_EXITS, *_ENDS})
_RESTARTED = "QUEUESTART"


class LoggedVisit(msgspec.Struct, kw_only=True):
    """One queue visit as queue_log tells it; None where a line is not there (yet).

    `line` is the number of its first line, `visit` counts the visits of one channel in this log.
    """

    uniqueid: str
    visit: int
    line: int
    queue: str
    entered_at: int | None
    outcome: Outcome | None = None
    agent: str = ""
    wait_s: int | None = None
    ring_s: int | None = None
    talk_s: int | None = None
    hangup_by: HangupBy = ""
    missed: int = 0
    ended_at: int | None = None
    restarted: bool = False


class BadLine(msgspec.Struct, frozen=True):
    """A line that could not be read."""

    line: int
    reason: str


@dataclass(slots=True)
class QueueLog:
    """Everything that one log tells. `first_at`, `last_at`: times of its first and last line."""

    visits: list[LoggedVisit] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)
    first_at: int | None = None
    last_at: int | None = None


def read_queue_log(lines: Iterable[str]) -> QueueLog:
    """Read a log's lines, oldest first. Never raises for what a line holds."""
    log = QueueLog()
    reader = _Reader(log)
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if text:
            reason = reader.take(number, text)
            if reason:
                log.bad_lines.append(BadLine(number, reason))
    return log


class _Reader:
    def __init__(self, log: QueueLog) -> None:
        self._log = log
        # By queue too: a caller transferred into another one enters it before the first lets go.
        self._open: dict[tuple[str, str], LoggedVisit] = {}
        self._last: dict[tuple[str, str], LoggedVisit] = {}
        self._count: dict[str, int] = {}

    def take(self, number: int, text: str) -> str:
        """Take one line in; return what is wrong with it, or nothing."""
        fields = text.split("|")
        if len(fields) < _FIELDS:
            return "fewer than five fields"
        at = _whole(fields[0].partition(".")[0])
        if at is None:
            return "the first field is no time"
        if self._log.first_at is None:
            self._log.first_at = at
        self._log.last_at = at
        _, uniqueid, queue, agent, event, *data = fields
        if event == _RESTARTED:
            self._restart()
        elif event == "ENTERQUEUE":
            self._open.pop((uniqueid, queue), None)
            self._new(number, uniqueid, queue, at)
        elif event in _OF_A_VISIT:
            visit = self._open.get((uniqueid, queue))
            if visit is None and event == "RINGNOANSWER":
                # The phone was still ringing when the caller left.
                visit = self._last.get((uniqueid, queue))
            if visit is None:
                # Without its beginning: the log was rotated in the middle of the call.
                visit = self._new(number, uniqueid, queue, None)
            return self._go_on(visit, at, agent, event, data)
        return ""

    def _restart(self) -> None:
        for visit in self._open.values():
            visit.restarted = True
        self._open.clear()

    def _go_on(self, visit: LoggedVisit, at: int, agent: str, event: str, data: list[str]) -> str:
        if event in _EXITS:
            return self._leave(visit, at, event, data)
        if event in _ENDS:
            return self._end(visit, at, agent, event, data)
        if event == "CONNECT":
            visit.outcome, visit.agent = "answered", agent
            visit.wait_s, visit.ring_s = _datum(data, 0), _datum(data, 2)
            return "CONNECT: no hold time" if visit.wait_s is None else ""
        visit.missed += 1
        return ""

    def _new(self, number: int, uniqueid: str, queue: str, at: int | None) -> LoggedVisit:
        count = self._count[uniqueid] = self._count.get(uniqueid, 0) + 1
        visit = LoggedVisit(uniqueid=uniqueid, visit=count, line=number, queue=queue, entered_at=at)
        self._open[uniqueid, queue] = self._last[uniqueid, queue] = visit
        self._log.visits.append(visit)
        return visit

    def _leave(self, visit: LoggedVisit, at: int, event: str, data: list[str]) -> str:
        outcome, waited = _EXITS[event]
        visit.outcome, visit.wait_s = outcome, _datum(data, waited)
        return self._close(visit, at, "" if visit.wait_s is not None else f"{event}: no wait time")

    def _end(self, visit: LoggedVisit, at: int, agent: str, event: str, data: list[str]) -> str:
        hangup_by, talked = _ENDS[event]
        visit.outcome, visit.hangup_by = "answered", hangup_by
        visit.agent = visit.agent or agent
        visit.talk_s = _datum(data, talked)
        return self._close(visit, at, "" if visit.talk_s is not None else f"{event}: no talk time")

    def _close(self, visit: LoggedVisit, at: int, problem: str) -> str:
        visit.ended_at = at
        del self._open[visit.uniqueid, visit.queue]
        return problem


def _datum(data: list[str], index: int) -> int | None:
    return _whole(data[index]) if index < len(data) else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004 - no second of any year has more
