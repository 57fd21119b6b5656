"""Stored or scripted calls judged by a pack that is not in force yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import DecodeError
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from asr.events import LegTranscribed, TranscriptFinal
from backbone.errors import UserError
from backbone.events import Event, decode, kind_of
from backbone.media import LegClosed, LegOpened, Role
from backbone.store.engine import open_engine
from backbone.store.schema import alerts as alerts_table
from backbone.store.schema import calls as calls_table
from backbone.store.schema import journal
from qa_engine.evaluate import Truth, read_truth
from qa_engine.events import Alert, TopicDetected
from qa_engine.pack import Pack, load
from qa_engine.rehearsal import Comparison, compare, judge_events, scripted, spoken
from telephony.events import CallEvent
from tingzhen.settings import load_settings


@dataclass(slots=True)
class Judged:
    """A rule's alerts that people have judged: what they were, and whether they would be again."""

    rule: str
    correct: int = 0
    correct_kept: int = 0
    false_alarm: int = 0
    false_alarm_kept: int = 0

    @property
    def precision_before(self) -> float:
        """Share of the judged alerts that were correct."""
        return self.correct / (self.correct + self.false_alarm)

    @property
    def precision_after(self) -> float | None:
        """The same of those that the pack would raise again; None when it would raise none."""
        kept = self.correct_kept + self.false_alarm_kept
        return self.correct_kept / kept if kept else None


@dataclass(frozen=True, slots=True)
class Report:
    """What a pack would change. `judged` is empty where no alert was ever judged."""

    calls: int
    before: int
    after: int
    rules: list[Comparison]
    judged: list[Judged]


def run_backtest(
    pack: Path, *, store: str | None, calls: Path | None, against: Path | None
) -> Report:
    """Judge every call by the pack, and by `against` or as it was judged live.

    Raises:
        UserError: a pack, the store or the folder cannot be used.
    """
    tried = load(pack)
    old = None if against is None else load(against)
    count, before, after = 0, list[Alert](), list[Alert]()
    verdicts: dict[str, str] = {}
    live: list[Alert] = []
    for call_id, events, raised in (
        _scripted(calls) if calls is not None else _stored(store, verdicts)
    ):
        count += 1
        after += _alerts(tried, call_id, events)
        live += [alert for alert in raised if alert.alert_id in verdicts]
        before += raised if old is None else _alerts(old, call_id, events)
    judged = _judged(live, verdicts, compare(live, after))
    return Report(count, len(before), len(after), compare(before, after), judged)


def _judged(
    raised: list[Alert], verdicts: Mapping[str, str], changes: list[Comparison]
) -> list[Judged]:
    gone = {alert.alert_id for change in changes for alert in change.gone}
    rules: dict[str, Judged] = {}
    for alert in raised:
        judged = rules.setdefault(alert.rule, Judged(alert.rule))
        kept = alert.alert_id not in gone
        if verdicts[alert.alert_id] == "correct":
            judged.correct += 1
            judged.correct_kept += kept
        else:
            judged.false_alarm += 1
            judged.false_alarm_kept += kept
    return [rules[rule] for rule in sorted(rules)]


_Call = tuple[str, list[Event], list[Alert]]
"""A call's id, its events, and the alerts that were raised on it."""


def _alerts(pack: Pack, call_id: str, events: list[Event]) -> list[Alert]:
    return [v for v in judge_events(pack, call_id, events) if isinstance(v, Alert)]


def _scripted(folder: Path) -> Iterator[_Call]:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UserError(f"{folder} holds no scripted call (ID.json)")
    for path in paths:
        try:
            truth = read_truth(path.read_bytes())
        except (OSError, DecodeError) as error:
            raise UserError(f"{path} is no scripted call: {error}") from error
        yield truth.id, scripted(truth.id, list(_finals(truth)), truth.duration), []


def _finals(truth: Truth) -> Iterator[TranscriptFinal]:
    for number, said in enumerate(truth.utterances):
        role: Role = "agent" if said.role == "agent" else "customer"
        yield spoken(truth.id, role, said.start, said.end, said.text, segment_id=f"{number}")


def _stored(url: str | None, verdicts: dict[str, str]) -> Iterator[_Call]:
    """The answered calls of a store; what people said of their alerts goes into `verdicts`."""
    where = load_settings().store_url if url is None else url
    try:
        engine = open_engine(where)
    except SQLAlchemyError as error:
        raise UserError(
            f"cannot open the store: {getattr(error, 'orig', None) or error}"
        ) from error
    try:
        with engine.connect() as connection:
            said = select(alerts_table.c.alert_id, alerts_table.c.verdict)
            for row in connection.execute(said.where(alerts_table.c.verdict.is_not(None))):
                verdicts[row.alert_id] = row.verdict
            query = select(calls_table.c.call_id).where(calls_table.c.answered_at.is_not(None))
            for call_id in list(connection.scalars(query.order_by(calls_table.c.joined_at))):
                yield _call(connection, call_id)
    finally:
        engine.dispose()


def _call(connection: Connection, call_id: str) -> _Call:
    heard = (LegOpened, LegClosed, LegTranscribed, TranscriptFinal)
    judged = (*heard, *CallEvent.__subclasses__(), TopicDetected)
    kinds = [kind_of(cls) for cls in (*judged, Alert)]
    query = (
        select(journal.c.kind, journal.c.payload)
        .where(journal.c.call_id == call_id, journal.c.kind.in_(kinds))
        .order_by(journal.c.seq)
    )
    events: list[Event] = []
    raised: list[Alert] = []
    for kind, payload in connection.execute(query):
        # One that another version wrote must not hide the rest.
        with contextlib.suppress(LookupError, ValueError):
            event = decode(kind, payload)
            if isinstance(event, Alert):
                raised.append(event)
            else:
                events.append(event)
    return call_id, events, raised
