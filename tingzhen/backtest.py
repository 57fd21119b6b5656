"""Stored or scripted calls judged by a pack that is not in force yet."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import DecodeError
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from asr.events import LegTranscribed, TranscriptFinal
from backbone.errors import UserError
from backbone.events import Event, decode, kind_of
from backbone.media import LegClosed, LegOpened, Role
from backbone.store.engine import open_engine
from backbone.store.schema import alerts as alerts_table
from backbone.store.schema import calls as calls_table
from backbone.store.schema import journal
from qa_engine.attributes import Seniority
from qa_engine.evaluate import Truth, read_truth
from qa_engine.events import Alert, RuleMuted, TopicDetected
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


class Done(msgspec.Struct, frozen=True):
    """One call, judged: alerts that people saw, and by the old and by the new rules."""

    call_id: str
    live: list[Alert]
    before: list[Alert]
    after: list[Alert]


class _Head(msgspec.Struct, frozen=True):
    """What the calls of a file were judged by."""

    backtest: str


def run_backtest(
    pack: Path,
    *,
    store: str | None,
    calls: Path | None,
    against: Path | None,
    keep: Path | None = None,
    seniority: Mapping[str, Seniority] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report:
    """Judge every call by the pack, and by `against` or as it was judged live.

    Args:
        pack: the pack to try.
        store: URL of the store; None: the configured one.
        calls: a folder of scripted calls instead.
        against: an old pack; None: the alerts that were raised.
        keep: a file that each judged call is written to. What it holds by the same packs is not
            judged again, so that a run that was stopped can be gone on with.
        seniority: of agents, by their interface; None: as configured.
        progress: told how many calls are done, of how many.

    Raises:
        UserError: a pack, the store, the folder or the file cannot be used.
    """
    tried = load(pack)
    old = None if against is None else load(against)
    seniority = load_settings().qa.seniority if seniority is None else seniority
    head = "/".join(["as it was" if old is None else old.digest, tried.digest])
    results: list[Done] = []
    with contextlib.ExitStack() as stack:
        source: _Scripted | _Stored = (
            _scripted(calls) if calls is not None else stack.enter_context(_stored(store))
        )
        known = {} if keep is None else _read(keep, head)
        write = _no_file if keep is None else stack.enter_context(_appending(keep, head))
        for number, call_id in enumerate(source.call_ids):
            progress(number, len(source.call_ids))
            done = known.get(call_id)
            if done is None:
                events, raised = source.call(call_id)
                before = raised if old is None else _alerts(old, call_id, events, seniority)
                after = _alerts(tried, call_id, events, seniority)
                done = Done(call_id, raised, before, after)
                write(done)
            results.append(done)
        progress(len(source.call_ids), len(source.call_ids))
    before = [alert for done in results for alert in done.before]
    after = [alert for done in results for alert in done.after]
    live = [alert for done in results for alert in done.live if alert.alert_id in source.verdicts]
    judged = _judged(live, source.verdicts, compare(live, after))
    return Report(len(results), len(before), len(after), compare(before, after), judged)


def _no_file(_done: Done) -> None:
    """Nothing is kept."""


def _read(path: Path, head: str) -> dict[str, Done]:
    """The calls that a file holds by now; a line that was cut off is none."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if not lines:
        return {}
    try:
        same = msgspec.json.decode(lines[0], type=_Head).backtest == head
    except DecodeError as error:
        raise UserError(f"{path} is no file of a backtest") from error
    if not same:
        raise UserError(f"{path} was judged by other rules; name another file, or remove it")
    found: dict[str, Done] = {}
    for line in lines[1:]:
        if line.endswith(b"\n"):
            with contextlib.suppress(DecodeError):
                done = msgspec.json.decode(line, type=Done)
                found[done.call_id] = done
    return found


@contextlib.contextmanager
def _appending(path: Path, head: str) -> Iterator[Callable[[Done], None]]:
    """Write calls to a file, each at once; only its owner may read what was said."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    with file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            file.write(msgspec.json.encode(_Head(head)) + b"\n")
        else:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")  # after a line that was cut off

        def write(done: Done) -> None:
            file.write(msgspec.json.encode(done) + b"\n")
            file.flush()

        yield write


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


def _alerts(
    pack: Pack, call_id: str, events: list[Event], seniority: Mapping[str, Seniority]
) -> list[Alert]:
    verdicts = judge_events(pack, call_id, events, seniority)
    return [verdict for verdict in verdicts if isinstance(verdict, Alert)]


class _Scripted:
    """Scripted calls of a folder, by the names of their files; nobody has judged an alert."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = {path.stem: path for path in paths}
        self.call_ids = list(self._paths)
        self.verdicts: Mapping[str, str] = {}

    def call(self, call_id: str) -> tuple[list[Event], list[Alert]]:
        """A call's events; nobody has seen an alert of it."""
        path = self._paths[call_id]
        try:
            truth = read_truth(path.read_bytes())
        except (OSError, DecodeError) as error:
            raise UserError(f"{path} is no scripted call: {error}") from error
        return scripted(call_id, list(_finals(call_id, truth)), truth.duration), []


def _scripted(folder: Path) -> _Scripted:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UserError(f"{folder} holds no scripted call (ID.json)")
    return _Scripted(paths)


def _finals(call_id: str, truth: Truth) -> Iterator[TranscriptFinal]:
    for number, said in enumerate(truth.utterances):
        role: Role = "agent" if said.role == "agent" else "customer"
        yield spoken(call_id, role, said.start, said.end, said.text, segment_id=f"{number}")


class _Stored:
    """The answered calls of a store, the oldest first; `verdicts` is what people said of alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        said = select(alerts_table.c.alert_id, alerts_table.c.verdict)
        answered = select(calls_table.c.call_id).where(calls_table.c.answered_at.is_not(None))
        with engine.connect() as connection:
            rows = connection.execute(said.where(alerts_table.c.verdict.is_not(None)))
            self.verdicts: Mapping[str, str] = {row.alert_id: row.verdict for row in rows}
            self.call_ids = list(connection.scalars(answered.order_by(calls_table.c.joined_at)))

    def call(self, call_id: str) -> tuple[list[Event], list[Alert]]:
        """A call's events, and the alerts that were raised on it."""
        # A connection for each call: a store in use is not held for as long as all of them take.
        with self._engine.connect() as connection:
            return _call(connection, call_id)


@contextlib.contextmanager
def _stored(url: str | None) -> Iterator[_Stored]:
    where = load_settings().store_url if url is None else url
    try:
        engine = open_engine(where)
    except SQLAlchemyError as error:
        raise UserError(
            f"cannot open the store: {getattr(error, 'orig', None) or error}"
        ) from error
    try:
        yield _Stored(engine)
    finally:
        engine.dispose()


def _call(connection: Connection, call_id: str) -> tuple[list[Event], list[Alert]]:
    heard = (LegOpened, LegClosed, LegTranscribed, TranscriptFinal)
    judged = (*heard, *CallEvent.__subclasses__(), TopicDetected, RuleMuted)
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
    return events, raised
