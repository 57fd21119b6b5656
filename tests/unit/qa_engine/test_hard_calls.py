"""Calls as they really come: finals out of order, sides that overlap, a side that nobody hears.

Each case is one that a simpler operator would judge wrongly.
"""

import sys

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
)
from qa_packs import write_pack

from asr.events import AudioGap
from backbone.media import LegClosed
from qa_engine import similarity
from qa_engine.events import Hit
from qa_engine.judge import CallJudge
from qa_engine.pack import load
from qa_engine.restore import take_up
from telephony.events import CallHeld, CallResumed

LISTS = {"a": ["苹果"], "b": ["香蕉"], "c": ["樱桃"], "wait": ["请稍等"]}
A = "{op: words, role: either, any_of: [a]}"
B = "{op: words, role: either, any_of: [b]}"
C = "{op: words, role: either, any_of: [c]}"


@pytest.fixture(autouse=True)
def _by_characters_and_sound(monkeypatch):
    similarity.Exemplars.of.cache_clear()
    monkeypatch.setattr(similarity, "embedder", lambda: None)
    yield
    similarity.Exemplars.of.cache_clear()


@pytest.fixture
def pack_of(tmp_path):
    return lambda *rules: load(write_pack(tmp_path, *rules, lists=LISTS))


def when(find):
    return f"type: when, find: {find}"


def hits(verdicts, rule="r0"):
    return [v for v in verdicts if isinstance(v, Hit) and v.rule == rule]


def heard(pack, finals, more=(), *, duration=20, deaf=()):
    """An answered call of which some sides are not heard."""
    events = [joined(), connected(), *(leg for leg in legs() if leg.role not in deaf)]
    events += [*spoken(finals), *more, ended(ANSWERED + duration)]
    return hits(
        run(CallJudge(pack, CALL), sorted(events, key=lambda e: e.at), ANSWERED + duration + 15)
    )


def out_of_order(pack, *finals, until=40):
    """Finals in this order, whenever they were said; then silence."""
    judge = CallJudge(pack, CALL)
    told = []
    for event in (joined(), connected(), *legs()):
        told += judge.feed(event, event.at)
    latest = ANSWERED + max(said.end for said in finals)
    for event in spoken(finals):
        if event.at <= latest and not hasattr(event, "text"):
            told += judge.feed(event, event.at)
    for number, said in enumerate(finals):
        told += judge.feed(said, latest + 0.5 + number * 0.1)
    while judge.state.now < ANSWERED + until:
        told += judge.tick(judge.state.now + 1)
    return hits(told)


# Composition


def test_all_parts_are_found_together_though_the_nearest_ones_do_not_fit(pack_of):
    pack = pack_of(when(f"{{op: all, within_s: 5, of: [{A}, {B}, {C}]}}"))
    finals = [
        final("agent", 6, 8, "香蕉"),
        final("customer", 9, 10, "苹果"),
        final("agent", 12, 13, "香蕉"),
        final("customer", 13.8, 15, "樱桃"),
    ]
    assert len(hits(play(pack, finals, 30))) == 1
    assert hits(play(pack, [*finals[:2], finals[3]], 30)) == []


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("苹果好吃", True),
        ("苹果和香蕉", False),
        ("香蕉苹果", False),
        ("苹果一二三四五六七八香蕉", True),
    ],
)
def test_what_must_not_stand_within_some_characters_is_judged_at_once(pack_of, text, fires):
    pack = pack_of(when(f"{{op: all, within_characters: 3, of: [{A}, {{op: not, of: {B}}}]}}"))
    judge = CallJudge(pack, CALL)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    assert bool(hits(judge.feed(final("agent", 1, 4, text), ANSWERED + 5))) is fires
    # What the same side says later stands in another segment.
    assert hits(judge.feed(final("agent", 6, 7, "香蕉"), ANSWERED + 8)) == []


def test_two_sides_at_once_are_not_one_sentence(pack_of):
    pack = pack_of(when(f"{{op: all, within_sentences: 0, of: [{A}, {B}]}}"))
    apart = [final("agent", 1, 10, "一二三四五六七八苹果"), final("customer", 7, 9, "香蕉")]
    assert hits(play(pack, apart, 30)) == []
    assert len(hits(play(pack, [final("agent", 1, 4, "香蕉和苹果")], 30))) == 1


NEVER = [
    when("{op: not, of: {op: words, role: agent, any_of: [a]}}"),
    when("{op: all, within_s: 9, of: [{op: words, role: customer, any_of: [b]}, "
         "{op: not, of: {op: words, role: agent, any_of: [a]}}]}"),
    when("{op: all, within_sentences: 1, of: [{op: words, role: customer, any_of: [b]}, "
         "{op: not, of: {op: words, role: agent, any_of: [a]}}]}"),
    when("{op: absent, within_s: 9, of: {op: words, role: agent, any_of: [a]}}"),
]  # fmt: skip


RESPONSE = (
    "type: response, trigger: {role: customer, lists: [b]}, "
    "expected: {role: agent, lists: [a]}, within_s: 9"
)


@pytest.mark.parametrize("rule", NEVER)
def test_of_a_side_that_is_not_heard_no_absence_is_told(pack_of, rule):
    finals = [final("customer", t, t + 1, "香蕉") for t in (1, 4, 8, 12)]
    assert heard(pack_of(rule), finals, deaf=("agent",)) == []
    assert heard(pack_of(rule), finals) != []
    gone = LegClosed(
        at=ANSWERED + 2, call_id=CALL, leg_id="leg-agent", role="agent", samples=1,
        complete=False, reason="x",
    )  # fmt: skip
    assert heard(pack_of(rule), finals, [gone]) == []


def test_the_side_that_is_not_asked_about_need_not_be_heard(pack_of):
    pack = pack_of(when("{op: not, of: {op: words, role: customer, any_of: [a]}}"))
    assert len(heard(pack, [final("customer", 1, 2, "香蕉")], deaf=("agent",))) == 1


@pytest.mark.parametrize(
    "rule",
    [
        *NEVER[:2],
        NEVER[3],
        "type: step, role: agent, done_kind: greeting_done, any_of: [a], within_s: 9",
        RESPONSE,
    ],
)
def test_of_a_time_in_which_nothing_was_heard_no_absence_is_told(pack_of, rule):
    finals = [final("customer", t, t + 1, "香蕉" if t == 1 else "好") for t in (1, 4, 12)]
    gap = AudioGap(
        at=ANSWERED + 9, call_id=CALL, role="agent", leg_id="leg-agent", start=3.0, end=9.0
    )
    assert heard(pack_of(rule), finals, [gap], duration=20) == []
    other = msgspec.structs.replace(gap, role="customer", leg_id="leg-customer")
    short = msgspec.structs.replace(gap, start=8.8)
    for harmless in (other, short):
        assert heard(pack_of(rule), finals, [harmless], duration=20) != []


@pytest.mark.parametrize("rule", [*NEVER[:2], NEVER[3], RESPONSE])
@pytest.mark.parametrize(("down_s", "told"), [(0.0, True), (20.0, False)])
def test_of_the_time_in_which_nothing_ran_no_absence_is_told(pack_of, rule, down_s, told):
    pack = pack_of(rule)
    before = [joined(), connected(), *legs(), *spoken([final("customer", 1, 3, "香蕉")])]
    back = before[-1].at + down_s
    judge = CallJudge(pack, CALL)
    found = hits(take_up(judge, before, back))
    after = [ended(back + 12)]
    found += hits(run(judge, after, back + 40))
    assert bool(found) is told


@pytest.mark.parametrize(
    ("op", "side", "fires"),
    [("before", 2, True), ("before", 12, False), ("after", 2, False), ("after", 25, True)],
)
def test_what_lies_before_or_after_a_hold(pack_of, op, side, fires):
    pack = pack_of(
        "type: call, measure: hold_s, above: 5, alert: false",
        when(f"{{op: {op}, anchor: {{op: found, rules: [r0]}}, of: {A}}}"),
    )
    events = [
        *spoken([final("agent", side, side + 1, "苹果")]),
        CallHeld(at=ANSWERED + 5, call_id=CALL),
        CallResumed(at=ANSWERED + 20, call_id=CALL, held_s=15.0),
    ]
    events = sorted(
        [joined(), connected(), *legs(), *events, ended(ANSWERED + 30)], key=lambda e: e.at
    )
    verdicts = run(CallJudge(pack, CALL), events, ANSWERED + 50)
    (hold,) = hits(verdicts)
    assert (round(hold.start), round(hold.end)) == (5, 10)
    assert bool(hits(verdicts, "r1")) is fires


# Finals out of order


def test_a_repetition_is_found_though_its_first_part_is_recognised_last(pack_of):
    pack = pack_of(when("{op: repeats, role: customer}"))
    first = final("customer", 1, 3, "内科今天上班吗")
    again = final("customer", 8, 10, "内科今天上班吗")
    for order in ((first, again), (again, first)):
        (hit,) = out_of_order(pack, *order)
        assert hit.evidence.segment_id == again.segment_id


def test_company_that_is_recognised_late_still_counts(pack_of):
    pack = pack_of(
        "type: words, role: customer, lists: [a], "
        "accompanied: {lists: [b], role: agent, after_s: 10}"
    )
    long = final("agent", 5, 20, "一二三四五六七八九十香蕉")
    assert (
        len(
            out_of_order(
                pack, final("customer", 1, 2, "苹果"), final("customer", 14, 15, "喂"), long
            )
        )
        == 1
    )


@pytest.mark.parametrize("policy", ["unaccompanied", "accompanied"])
def test_company_that_was_begun_before_is_waited_for(pack_of, policy):
    pack = pack_of(
        f"type: words, role: customer, lists: [a], {policy}: {{lists: [b], role: agent}}"
    )
    found = out_of_order(pack, final("customer", 3, 4, "苹果"), final("agent", 1, 8, "香蕉"))
    assert len(found) == (policy == "accompanied")


def test_an_answer_that_was_begun_before_the_question_ended_counts(pack_of):
    pack = pack_of(RESPONSE)
    late = [final("agent", 2, 12, "一二三四五六七八九十一二苹果"), final("customer", 5, 7, "香蕉")]
    early = [final("agent", 2, 12, "苹果一二三四五六七八九十一二"), final("customer", 5, 7, "香蕉")]
    assert heard(pack, late) == []
    assert len(heard(pack, early)) == 1


# How it was said


@pytest.mark.parametrize(
    ("text", "seconds", "fires"),
    [
        ("Could you please tell me your appointment number and the name of the doctor", 5.0, False),
        ("Could you please tell me your appointment number and the name of the doctor", 2.6, True),
        ("请您带上医保卡身份证和以前的CT报告", 4.0, False),
        ("请您带上医保卡身份证和以前的CT报告明天早上八点来", 2.6, True),
        ("您好，请问 appointment number 是多少", 2.5, False),
    ],
)
def test_english_is_counted_by_its_syllables(pack_of, text, seconds, fires):
    turn = pack_of("type: fast_speech, role: agent, per_minute: 330")
    assert bool(heard(turn, [final("agent", 1, 1 + seconds, text)])) is fires
    average = pack_of(when("{op: rate, role: agent, above: 330, characters: 8}"))
    assert bool(heard(average, [final("agent", 1, 1 + seconds, text)])) is fires


@pytest.mark.parametrize("text", ["OK", "okay, yes", "对对对", "嗯，好的，明白"])
def test_back_channels_are_no_interruption(pack_of, text):
    pack = pack_of("type: interruption, role: agent, overlap_s: 1, characters: 2")
    finals = [final("customer", 1, 9, "我昨天挂的号今天来不了"), final("agent", 3, 6, text)]
    assert heard(pack, finals) == []
    finals[1] = final("agent", 3, 6, text + "，这个退不了")
    assert len(heard(pack, finals)) == 1


def test_the_hold_that_lasts_counts_among_all_holds_while_it_lasts(pack_of):
    pack = pack_of("type: call, measure: held_total_s, above: 10")
    judge = CallJudge(pack, CALL)
    events = [
        joined(), connected(), *legs(),
        CallHeld(at=ANSWERED + 5, call_id=CALL),
        CallResumed(at=ANSWERED + 12, call_id=CALL, held_s=7.0),
        CallHeld(at=ANSWERED + 20, call_id=CALL),
    ]  # fmt: skip
    (hit,) = hits(run(judge, events, ANSWERED + 30))
    assert 23 <= hit.at - ANSWERED <= 24


@pytest.mark.parametrize("deaf", [(), ("agent",), ("customer",)])
def test_the_last_word_is_only_known_when_both_are_heard(pack_of, deaf):
    pack = pack_of("type: call, measure: last_word_s, above: 5")
    side = "customer" if "agent" in deaf else "agent"
    found = heard(pack, [final(side, 1, 20, "好")], deaf=deaf, duration=30)
    assert len(found) == (not deaf)


def test_the_last_word_may_have_been_said_while_nobody_heard(pack_of):
    pack = pack_of("type: call, measure: last_word_s, above: 5")
    gap = AudioGap(at=ANSWERED + 28, call_id=CALL, role="agent", leg_id="x", start=20, end=28)
    assert heard(pack, [final("agent", 1, 19, "好")], [gap], duration=30) == []


# Sentences


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("喂，你好，是这样的，我昨天在网上挂了个号，帮我退一下挂号费，谢谢啊，麻烦你了", True),
        ("喂，你好，是这样的，我昨天在网上挂了个号，挂号费是多少，谢谢啊，麻烦你了", False),
    ],
)
def test_a_similar_sentence_is_found_inside_a_long_one(pack_of, text, fires):
    rule = when("{op: similar, role: customer, threshold: 0.7, to: [帮我退一下挂号费]}")
    assert bool(heard(pack_of(rule), [final("customer", 1, 9, text)])) is fires


@pytest.mark.parametrize(
    "text",
    [
        "",
        "。",
        "😀😀😀",
        "嗯嗯嗯",
        "　",
        "\u200b",
        "ＡＢＣ１２３",
        "苹果" * 100,
        "🍎苹果🍎",
        "蘋果",
    ],
)
def test_odd_text_breaks_no_operator(pack_of, text):
    pack = pack_of(
        "type: words, role: either, lists: [a]",
        when(f"{{op: all, of: [{A}, {{op: regex, role: agent, pattern: '苹.'}}]}}"),
        when("{op: repeats, role: customer}"),
        when("{op: similar, role: either, to: [我要买苹果]}"),
        "type: fast_speech, role: agent",
        "type: interruption, role: agent, characters: 2",
    )
    failed = []
    judge = CallJudge(pack, CALL, failed.append)
    finals = [
        final("agent", 1, 3, text),
        final("customer", 2, 9, text),
        final("customer", 10, 11, text),
    ]
    told = run(
        judge,
        [joined(), connected(), *legs(), *spoken(finals), ended(ANSWERED + 20)],
        ANSWERED + 40,
    )
    assert failed == []
    assert bool(hits(told)) is ("苹果" in text or "蘋果" in text)


# Long calls


def steps_of(work):
    """Lines of Python that some work goes through."""
    steps = 0

    def count(_frame, event, _argument):
        nonlocal steps
        steps += event == "line"
        return count

    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(None)
    return steps


def test_judging_takes_no_more_than_its_share_in_a_long_call(pack_of):
    pack = pack_of(
        "type: dead_air, asked_to_wait: [wait]",
        "type: interruption, role: either",
        "type: interruption, role: agent, characters: 2",
        "type: fast_speech, role: either",
        "type: words, role: either, lists: [a], unaccompanied: {lists: [b], after_s: 5}",
        RESPONSE,
        when("{op: repeats, role: either}"),
    )
    judge = CallJudge(pack, CALL)
    words = ("苹果好吃吗", "香蕉有没有", "请稍等一会", "没有别的了")
    finals = dialogue(*((("agent", "customer")[n % 3 % 2], words[n % 4]) for n in range(160)))
    events = [joined(), connected(), *legs(), *spoken(finals)]

    def work(first, last):
        for event in events[first:last]:
            judge.feed(event, event.at)
            judge.tick(event.at)

    work(0, 113)
    short = steps_of(lambda: work(113, 125))
    work(125, 473)
    long = steps_of(lambda: work(473, 485))
    assert 0 < long < 5 * short  # four times as long a call
