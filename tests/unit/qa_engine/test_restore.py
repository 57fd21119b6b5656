"""A call is taken up in the middle after a restart, and nothing is raised twice."""

import asyncio
import contextlib

import pytest
from patience import PATIENCE_S
from qa_calls import (
    ANSWERED,
    CALL,
    CALLS,
    connected,
    ended,
    final,
    joined,
    legs,
    spoken,
    utterances,
)

from backbone.bus import Bus
from backbone.clock import ManualClock
from backbone.counters import Counters
from backbone.events import Delivery
from backbone.store.engine import open_engine
from backbone.store.journal import StoreJournal
from qa_engine.evaluate import read_truth
from qa_engine.events import Alert, ComplianceStep, Hit, RuleMuted, Score
from qa_engine.judge import CallJudge
from qa_engine.pack import DEFAULT_PACK, load
from qa_engine.restore import TOLD, take_up
from qa_engine.service import QaService
from qa_engine.settings import QaSettings
from telephony.storage import PROJECTIONS as CALL_PROJECTIONS

TRUTHS = [read_truth(path.read_bytes()) for path in sorted(CALLS.glob("c??.json"))]


@pytest.fixture(scope="module")
def pack():
    return load(DEFAULT_PACK)


def durable(event):
    return event.delivery is Delivery.DURABLE


class Run:
    """Judges a call event by event with ticks, and keeps its journal."""

    def __init__(self, judge, journal):
        self.judge = judge
        self.journal = journal
        self.now = 0.0

    def keep(self, verdicts):
        self.journal += [v for v in verdicts if durable(v)]

    def hear(self, events, until=None):
        for event in events:
            while self.now and self.now + 0.5 < event.at:
                self.now += 0.5
                self.keep(self.judge.tick(self.now))
            self.now = max(self.now, event.at)
            if durable(event):
                self.journal.append(event)
            self.keep(self.judge.feed(event, self.now))
        while until is not None and self.now < until:
            self.now += 0.5
            self.keep(self.judge.tick(self.now))
        return self


def timeline(truth):
    events = [joined(), connected(), *legs(), *spoken(utterances(truth))]
    events.append(ended(ANSWERED + truth.duration))
    return sorted(events, key=lambda e: e.at)


def told(journal, *kinds):
    return [e for e in journal if isinstance(e, kinds or TOLD)]


@pytest.mark.parametrize("truth", TRUTHS[5:8], ids=lambda truth: truth.id)
def test_a_call_cut_anywhere_raises_what_it_would_have_raised_once(pack, truth):
    events = timeline(truth)
    whole = Run(CallJudge(pack, CALL), []).hear(events, ANSWERED + truth.duration + 15)
    for cut in range(4, len(events), 5):
        first = Run(CallJudge(pack, CALL), []).hear(events[:cut])
        second = Run(CallJudge(pack, CALL), list(first.journal))
        second.now = first.now
        second.keep(take_up(second.judge, first.journal, first.now))
        second.hear(events[cut:], ANSWERED + truth.duration + 15)
        alerts = [a.alert_id for a in told(second.journal, Alert)]
        assert len(alerts) == len(set(alerts))
        hits = [h.hit_id for h in told(second.journal, Hit)]
        assert len(hits) == len(set(hits))
        steps = [(s.step, s.state) for s in told(second.journal, ComplianceStep)]
        assert len(steps) == len(set(steps))
        said = {a.alert_id for a in told(whole.journal, Alert) if a.evidence.span is not None}
        assert said <= set(alerts)
        assert len(told(second.journal, Score)) == 1


def test_what_was_said_and_not_judged_any_more_is_told(pack):
    first = Run(CallJudge(pack, CALL), []).hear([joined(), connected(), *legs()])
    said = final("agent", 10, 12, "这个不归我管")
    judge = CallJudge(pack, CALL)
    news = take_up(judge, [*first.journal, said], said.at)
    assert [a.kind for a in told(news, Alert)] == ["taboo_phrase"]
    again = CallJudge(pack, CALL)
    assert told(take_up(again, [*first.journal, said, *news], said.at), Alert, Hit) == []
    assert [kind for kind, _ in again.state.kinds] == [kind for kind, _ in judge.state.kinds]


def test_a_muted_rule_stays_muted(pack):
    first = Run(CallJudge(pack, CALL), []).hear([joined(), connected(), *legs()])
    muted = RuleMuted(at=ANSWERED + 5, call_id=CALL, rule="taboo_shirk", by="lead")
    judge = CallJudge(pack, CALL)
    take_up(judge, [*first.journal, muted], ANSWERED + 6)
    said = final("agent", 10, 12, "这个不归我管")
    assert told(judge.feed(said, said.at), Alert) == []


def test_the_time_in_which_nothing_ran_is_no_silence(pack):
    events = [joined(), connected(), *legs(), *spoken([final("agent", 1, 3, "您好，请讲")])]
    first = Run(CallJudge(pack, CALL), []).hear(events)
    judge = CallJudge(pack, CALL)
    take_up(judge, first.journal, ANSWERED + 60)
    verdicts = judge.tick(ANSWERED + 60.5)
    assert [h.kind for h in told(verdicts, Hit) if h.kind == "dead_air"] == []


async def test_the_service_takes_up_the_calls_of_the_store(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    counters, clock = Counters(), ManualClock(ANSWERED + 20)
    journal = StoreJournal(engine, counters, CALL_PROJECTIONS)
    bus = Bus(counters, journal)
    journal.start()
    await bus.start()
    said = final("agent", 10, 12, "这个不归我管", call_id="c1")
    over = ended(ANSWERED - 3600, call_id="c2")
    for event in (joined(call_id="c1"), connected(call_id="c1"), *legs("c1"), said):
        await bus.publish(event)
    for event in (joined(call_id="c2"), connected(call_id="c2"), over):
        await bus.publish(event)
    seen = bus.subscribe("test", Alert)
    service = QaService(QaSettings(), bus, clock, counters, engine=engine)
    running = asyncio.create_task(service.run())
    async with asyncio.timeout(PATIENCE_S):
        alert = (await anext(seen)).event
    assert (alert.call_id, alert.kind) == ("c1", "taboo_phrase")
    assert service.open_calls == 1
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await journal.close()
    engine.dispose()
