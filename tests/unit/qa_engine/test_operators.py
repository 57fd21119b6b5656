"""Operators on small packs of their own: what they tell, and when.

That each fires where it should and not on look-alikes: see test_every_operator.py.
"""

import msgspec
import pytest
from qa_calls import (
    ANSWERED,
    CALL,
    connected,
    dialogue,
    ended,
    final,
    joined,
    legs,
    play,
    run,
    spoken,
)  # fmt: skip

from asr.events import AudioGap
from backbone.media import LegClosed
from qa_engine.events import Alert, ComplianceStep, Hit
from qa_engine.judge import CallJudge
from qa_engine.pack import load
from telephony.events import CallHeld, CallResumed, CallTransferred, RingEnded, RingStarted

HEAD = 'pack: test\nversion: "1"\n'


@pytest.fixture
def pack_of(tmp_path):
    def make(lists, rule):
        text = HEAD + "lists:\n"
        for name, words in lists.items():
            text += f"  {name}: {{about: x, words: [{', '.join(words)}]}}\n"
        common = "id: r, title: 规则, title_en: rule, severity: high"
        (tmp_path / "pack.yaml").write_text(
            text + f"rules:\n  - {{{common}, {rule}}}\n", encoding="utf-8"
        )
        return load(tmp_path)

    return make


def hits(verdicts, kind=None):
    return [v for v in verdicts if isinstance(v, Hit) and kind in (None, v.kind)]


def said_hits(pack, *lines):
    finals = dialogue(*lines)
    return [hit.phrase for hit in hits(play(pack, finals, finals[-1].end + 2))]


# words

WORDS = "type: words, kind: taboo_phrase, role: agent, lists: [bad]"


@pytest.mark.parametrize(
    ("lines", "phrases"),
    [
        ([("agent", "这个不归我管。")], ["不归我管"]),
        ([("customer", "在吗"), ("agent", "不归，我管")], ["不归，我管"]),
        ([("agent", "不归我管"), ("agent", "真的不归我管")], ["不归我管", "不归我管"]),
        ([("customer", "不归我管")], []),
        ([("agent", "归我管")], []),
        ([("agent", "不归。我管")], []),
    ],
)
def test_words_are_found_where_they_were_said(pack_of, lines, phrases):
    assert said_hits(pack_of({"bad": ["不归我管"]}, WORDS), *lines) == phrases


@pytest.mark.parametrize(
    ("policy", "suspected", "severity"),
    [("lower", True, "medium"), ("same", True, "high"), ("off", None, None)],
)
def test_words_that_only_sound_alike(pack_of, policy, suspected, severity):
    pack = pack_of({"bad": ["不归我管"]}, f"{WORDS}, suspected: {policy}")
    finals = dialogue(("agent", "这个不贵我管"))
    alerts = [v for v in play(pack, finals, 8) if isinstance(v, Alert)]
    found = [(alert.suspected, alert.severity) for alert in alerts]
    assert found == ([] if suspected is None else [(suspected, severity)])


@pytest.mark.parametrize(
    ("severity", "suspected"),
    [("critical", "high"), ("high", "medium"), ("medium", "low"), ("low", "low"), ("info", "info")],
)
def test_what_only_sounds_alike_is_one_lower_and_never_graver(tmp_path, severity, suspected):
    rule = f"id: r, title: 规则, title_en: rule, severity: {severity}, {WORDS}"
    text = f"{HEAD}lists:\n  bad: {{about: x, words: [不归我管]}}\nrules:\n  - {{{rule}}}\n"
    (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
    found = [
        hit.severity
        for said in ("这个不归我管", "这个不贵我管")
        for hit in hits(play(load(tmp_path), dialogue(("agent", said)), 8))
    ]
    assert found == [severity, suspected]


# step

OPENING = "type: step, kind: missing_greeting, done_kind: greeting_done, role: agent, within_s: 8"
CLOSING = (
    "type: step, kind: missing_closing, done_kind: closing_done, role: agent, before_end_s: 20"
)
GREETING = {"hello": ["很高兴为您服务", "云海医院"]}


@pytest.mark.parametrize(
    ("finals", "kinds"),
    [
        ([final("agent", 1, 2, "喂，说吧")], ["missing_greeting"]),
        ([final("customer", 1, 3, "云海医院吗")], ["missing_greeting"]),
        ([final("agent", 9, 11, "云海医院")], ["missing_greeting"]),
        ([], ["missing_greeting"]),
        ([final("agent", 1, 3, "您好，云海医院")], ["greeting_done"]),
        ([final("agent", 7, 12, "您好，这里是云海医院")], ["greeting_done"]),
        (
            [final("agent", 1, 2, "您好"), final("agent", 3, 5, "很高兴为您服务")],
            ["greeting_done"],
        ),
    ],
)
def test_the_opening_is_done_in_time_or_missing(pack_of, finals, kinds):
    pack = pack_of(GREETING, f"{OPENING}, any_of: [hello]")
    verdicts = play(pack, finals, 20)
    assert [hit.kind for hit in hits(verdicts)] == kinds
    steps = [v.state for v in verdicts if isinstance(v, ComplianceStep)]
    assert steps == ["pending", "done" if kinds == ["greeting_done"] else "missing"]


def test_the_missing_opening_is_told_when_its_time_is_up(pack_of):
    pack = pack_of(GREETING, f"{OPENING}, any_of: [hello]")
    verdicts = play(pack, [final("agent", 1, 2, "喂，说吧"), final("customer", 3, 5, "你好")], 60)
    (alert,) = [v for v in verdicts if isinstance(v, Alert)]
    assert 8 <= alert.at - ANSWERED <= 8.5
    assert (alert.start, alert.end) == (0, 2)


def test_what_is_being_said_at_the_deadline_is_waited_for(pack_of):
    pack = pack_of(GREETING, f"{OPENING}, any_of: [hello]")
    verdicts = play(pack, [final("agent", 6, 14, "那个您好，这里是云海医院")], 30)
    assert [hit.kind for hit in hits(verdicts)] == ["greeting_done"]


def test_all_parts_of_a_step(pack_of):
    lists = {"name": ["云海医院"], "offer": ["为您服务"]}
    pack = pack_of(lists, f"{OPENING}, all_of: [name, offer]")
    half = play(pack, [final("agent", 1, 3, "云海医院")], 20)
    whole = play(pack, [final("agent", 1, 3, "云海医院"), final("agent", 4, 6, "为您服务")], 20)
    assert [hit.kind for hit in hits(half)] == ["missing_greeting"]
    assert [hit.kind for hit in hits(whole)] == ["greeting_done"]


@pytest.mark.parametrize(
    ("finals", "kinds"),
    [
        ([final("customer", 1, 3, "你好"), final("agent", 20, 22, "行了")], ["missing_closing"]),
        ([final("agent", 1, 3, "感谢来电，您好")], ["missing_closing"]),
        (
            [final("customer", 1, 3, "你好"), final("agent", 4, 6, "感谢来电")],
            ["closing_done", "missing_closing"],
        ),
        ([final("customer", 1, 3, "你好"), final("agent", 25, 28, "感谢来电")], ["closing_done"]),
        (
            [final("customer", 1, 3, "你好"), final("agent", 28, 29.8, "感谢来电，再见")],
            ["closing_done"],
        ),
        (
            [
                final("customer", 1, 3, "你好"),
                final("agent", 24, 26, "感谢来电"),
                final("customer", 27, 28, "好"),
            ],
            ["closing_done"],
        ),
    ],
)
def test_the_closing_is_done_before_the_end_or_missing(pack_of, finals, kinds):
    pack = pack_of({"bye": ["感谢来电"]}, f"{CLOSING}, any_of: [bye]")
    assert [hit.kind for hit in hits(play(pack, finals, 30))] == kinds


def test_absence_is_not_told_of_a_side_that_is_not_heard(pack_of):
    pack = pack_of(GREETING, f"{OPENING}, any_of: [hello]")
    deaf = run(CallJudge(pack, CALL), [joined(), connected(), ended(ANSWERED + 30)], ANSWERED + 50)
    lost = LegClosed(
        at=ANSWERED + 2, call_id=CALL, leg_id="leg-agent", role="agent", samples=1,
        complete=False, reason="media_server_stopped",
    )  # fmt: skip
    cut = run(
        CallJudge(pack, CALL),
        [joined(), connected(), *legs(), lost, ended(ANSWERED + 30)],
        ANSWERED + 50,
    )
    assert hits(deaf) == hits(cut) == []


def test_a_call_that_nobody_answered_needs_no_opening(pack_of):
    pack = pack_of(GREETING, f"{OPENING}, any_of: [hello]")
    gone = ended(ANSWERED + 30, outcome="abandoned", answered=False)
    assert run(CallJudge(pack, CALL), [joined(), gone], ANSWERED + 60) == []


# call


def call_hits(pack, *events):
    judge = CallJudge(pack, CALL)
    return hits(run(judge, list(events), max(e.at for e in events) + 1))


def ring(at, *, ended_at=None, rings=None):
    common = {"call_id": CALL, "queue": "q", "agent": "a", "attempt_id": "1"}
    if ended_at is None:
        return RingStarted(at=at, agent_name="", **common)
    return RingEnded(at=ended_at, ring_s=ended_at - at, rings=rings, result="no_answer", **common)


@pytest.mark.parametrize(
    ("rule", "events", "measured"),
    [
        ("rings, above: 3", [joined(100), ring(100), ring(100, ended_at=117, rings=4)], [4]),
        ("rings, above: 3", [joined(100), ring(100, ended_at=130, rings=6)], [6]),
        ("wait_s, above: 15", [joined(100), connected(140, wait_s=40.0)], [15.25]),
        ("wait_s, above: 15", [connected(140, wait_s=22.0)], [22]),
        ("talk_s, above: 30", [connected(100), ended(150)], [30.25]),
        ("hold_s, above: 20", [connected(100), CallHeld(at=110, call_id=CALL), ended(135)],
         [20.25]),
        (
            "hold_s, above: 20",
            [connected(100), CallResumed(at=140, call_id=CALL, held_s=25.0)],
            [25],
        ),
        (
            "transfers, above: 0",
            [connected(), CallTransferred(at=ANSWERED + 3, call_id=CALL, kind="blind",
                                          from_agent="a", to="b")],
            [1],
        ),
        ("abandoned, above: 5", [ended(160, outcome="abandoned", answered=False, wait_s=9.0)], [9]),
        ("rings, above: 3", [joined(100), ring(100), ring(100, ended_at=114.9, rings=3)], []),
        ("rings, above: 3", [joined(100), ring(100), connected(110)], []),
        ("rings, above: 3", [joined(100), ring(100, ended_at=101, rings=1)], []),
        ("wait_s, above: 15", [joined(100), connected(115, wait_s=15.0)], []),
        ("wait_s, above: 15", [joined(100), connected(101, wait_s=1.0),
                               ended(160, wait_s=1.0)], []),
        ("talk_s, above: 30", [connected(ANSWERED), ended(ANSWERED + 29)], []),
        ("hold_s, above: 20", [connected(100), CallHeld(at=110, call_id=CALL),
                               CallResumed(at=120, call_id=CALL, held_s=10.0), ended(190)], []),
        ("abandoned, above: 5", [ended(160, outcome="abandoned", answered=False, wait_s=3.0)], []),
        ("abandoned, above: 5", [ended(160, wait_s=50.0)], []),
    ],
)  # fmt: skip
def test_figures_of_the_call(pack_of, rule, events, measured):
    pack = pack_of({}, f"type: call, kind: long_wait, measure: {rule}")
    assert [hit.evidence.measured for hit in call_hits(pack, *events)] == measured


# dead air


def dead_air(pack, finals, *more, until=30):
    events = [joined(), connected(), *legs(), *spoken(finals), *more, ended(ANSWERED + until)]
    events.sort(key=lambda e: e.at)
    return hits(run(CallJudge(pack, CALL), events, ANSWERED + until + 20))


TALK = [final("agent", 1, 3, "等一下"), final("customer", 13, 15, "喂")]


@pytest.mark.parametrize(
    ("finals", "more", "fires"),
    [
        (TALK, [], True),
        ([final("customer", 1, 3, "喂"), final("customer", 12, 15, "喂")], [], True),
        ([final("agent", 1, 15, "长"), final("customer", 2, 3, "嗯")], [], True),
        ([final("agent", 1, 3, "等"), final("customer", 8.5, 29, "喂")], [], False),
        ([final("agent", 1, 29, "长")], [], False),
        ([*TALK[:1], final("customer", 13, 29, "喂")],
         [CallHeld(at=ANSWERED + 4, call_id=CALL),
          CallResumed(at=ANSWERED + 12, call_id=CALL, held_s=8)], False),
        ([*TALK[:1], final("customer", 13, 29, "喂")],
         [AudioGap(at=ANSWERED + 10, call_id=CALL, role="customer", leg_id="leg-customer",
                   start=4, end=10)], False),
    ],
)  # fmt: skip
def test_silence_counts_but_for_holds_and_what_nobody_heard(pack_of, finals, more, fires):
    pack = pack_of({}, "type: dead_air, kind: dead_air")
    found = dead_air(pack, finals, *more)
    assert bool(found) is fires


@pytest.mark.parametrize(
    ("asks", "text", "back_s", "fires"),
    [
        ("agent", "请稍等我查一下", 14, False),
        ("agent", "请稍等我查一下", 24, True),
        ("agent", "等一下", 14, True),
        ("agent", "请稍等两分钟", 24, False),
        ("customer", "等会儿我找支笔", 14, False),
        ("customer", "等会儿我找支笔", 24, True),
        ("customer", "请稍等我查一下", 14, True),
    ],
)
def test_a_side_that_asks_to_wait_may_be_silent_for_longer(pack_of, asks, text, back_s, fires):
    rule = (
        "type: dead_air, kind: dead_air, silence_s: 8, wait_s: 10,"
        " asked_to_wait: [wait], caller_asked: [looks]"
    )
    pack = pack_of({"wait": ["请稍等"], "looks": ["等会儿"]}, rule)
    finals = [final(asks, 1, 3, text), final("customer", back_s, 39, "喂")]
    assert bool(dead_air(pack, finals, until=40)) is fires


def test_a_silence_is_told_once_though_its_final_puts_its_begin_elsewhere(pack_of):
    pack = pack_of({}, "type: dead_air, kind: dead_air, silence_s: 8")
    judge = CallJudge(pack, CALL)
    started, stopped, said = spoken([final("customer", 1, 3, "你好")])
    told = run(judge, [joined(), connected(), *legs(), started, stopped], ANSWERED + 15)
    late = msgspec.structs.replace(said, end=3.3, at=ANSWERED + 15.5)
    told += run(judge, [late, *spoken([final("agent", 20, 21, "喂")])], ANSWERED + 22)
    assert len(hits(told)) == 1


def test_dead_air_is_told_while_it_lasts(pack_of):
    pack = pack_of({}, "type: dead_air, kind: dead_air")
    first = dead_air(pack, TALK)[0]
    assert first.start == 3
    assert first.at - ANSWERED < 12.5
