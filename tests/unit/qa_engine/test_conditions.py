"""Conditions on small packs of their own: what they tell, when, and what they refuse.

That each fires where it should and not on look-alikes: see test_every_operator.py.
"""

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, connected, dialogue, ended, final, joined, legs, play, run
from qa_packs import write_pack

from qa_engine import similarity
from qa_engine.events import Hit
from qa_engine.judge import CallJudge
from qa_engine.pack import check, load
from telephony.events import CallHeld, CallResumed, CallTransferred

LISTS = {
    "a": ["苹果"],
    "b": ["香蕉", "黄蕉"],
    "c": ["樱桃"],
    "wait": ["请稍等", "等一下"],
}


@pytest.fixture
def write(tmp_path):
    return lambda *rules, lists=None: write_pack(tmp_path, *rules, lists=lists or LISTS)


@pytest.fixture
def pack_of(write):
    return lambda *rules, **lists: load(write(*rules, **lists))


def when(find):
    return f"type: when, find: {find}"


def hits(verdicts, rule="r0"):
    return [v for v in verdicts if isinstance(v, Hit) and v.rule == rule]


def fired(pack, lines, *, after=3.0):
    finals = dialogue(*lines)
    return hits(play(pack, finals, finals[-1].end + after))


def agent(*texts):
    return [("agent", text) for text in texts]


A = "{op: words, role: either, any_of: [a]}"
B = "{op: words, role: either, any_of: [b]}"


@pytest.mark.parametrize(
    ("which", "expected"),
    [("first", [0]), ("last", [2]), (1, [0]), (2, [1]), (3, [2]), (4, [])],
)
def test_the_first_the_last_and_the_kth(pack_of, which, expected):
    pack = pack_of(when(f"{{op: pick, which: {which}, of: {A}}}"))
    finals = dialogue(*agent("苹果", "买苹果", "来个苹果"))
    found = hits(play(pack, finals, finals[-1].end + 3))
    assert [hit.evidence.segment_id for hit in found] == [finals[n].segment_id for n in expected]


def test_what_was_told_as_the_first_stays_so_when_an_earlier_one_is_recognised_late(pack_of):
    pack = pack_of(when(f"{{op: pick, which: first, of: {A}}}"))
    judge = CallJudge(pack, CALL)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    told = judge.feed(final("agent", 20, 22, "苹果"), ANSWERED + 23)
    told += judge.feed(final("agent", 10, 12, "买苹果"), ANSWERED + 24)
    assert [hit.start for hit in hits(told)] == [20]


def test_what_was_told_as_the_last_stays_so_when_a_later_one_is_recognised_late(pack_of):
    pack = pack_of(when(f"{{op: pick, which: last, of: {A}}}"))
    judge = CallJudge(pack, CALL)
    events = [joined(), connected(), *legs(), final("agent", 1, 2, "苹果"), ended(ANSWERED + 30)]
    told = run(judge, events, ANSWERED + 50)
    told += judge.feed(final("agent", 20, 22, "买苹果"), ANSWERED + 55)
    assert [hit.start for hit in hits(told)] == [1]


@pytest.mark.parametrize(
    ("finals", "told"),
    [
        ([final("agent", 1, 2, "香蕉")], [20]),
        ([final("agent", 25, 27, "苹果")], [20]),
        ([final("customer", 5, 7, "喂")], [20]),
        ([final("agent", 10, 12, "苹果")], []),
        ([final("agent", 18, 24, "一二三苹果")], []),
        ([final("agent", 1, 2, "苹果"), final("agent", 25, 27, "苹果")], []),
    ],
)
def test_absence_by_a_deadline_is_told_when_its_time_is_up(pack_of, finals, told):
    pack = pack_of(
        when("{op: absent, of: {op: words, role: agent, any_of: [a]}, within_s: 20, role: agent}")
    )
    found = hits(play(pack, finals, 60))
    assert [hit.end for hit in found] == told
    assert all(20 <= hit.at - ANSWERED <= 26 for hit in found)


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("你能不能帮我把挂号费退回来", True),
        ("麻烦把我的挂号费退一下", True),
        ("我想退挂号费", True),
        ("挂号费是多少钱", False),
        ("请问内科在几楼", False),
        ("我想退房", False),
    ],
)
@pytest.mark.parametrize("semantic", [True, False])
def test_a_sentence_like_an_example_is_found(pack_of, monkeypatch, semantic, text, fires):
    similarity.Exemplars.of.cache_clear()
    if not semantic:
        monkeypatch.setattr(similarity, "embedder", lambda: None)
    rule = when(
        "{op: similar, role: customer, threshold: 0.42, slots: [fee, back], "
        "to: [帮我退一下挂号费, 我要退挂号费, 挂号费能退回来吗]}"
    )
    pack = pack_of(rule, lists={"fee": ["挂号费", "挂号的钱"], "back": ["退"]})
    found = fired(pack, [("customer", text)])
    assert bool(found) is fires
    assert all(hit.suspected and hit.evidence.measured >= 0.42 for hit in found)


def test_the_third_time(pack_of):
    pack = pack_of(when("{op: repeats, role: customer, times: 3}"))
    lines = [("customer", "内科今天上班吗"), ("agent", "啊")] * 3
    (hit,) = fired(pack, lines)
    assert hit.evidence.segment_id.startswith("customer")
    assert fired(pack, lines[:4]) == []


def loud(start, level, role="customer"):
    return msgspec.structs.replace(final(role, start, start + 1, "苹果"), level_db=level)


def test_loudness_of_the_other_side_does_not_count(pack_of):
    pack = pack_of(when("{op: louder, role: customer, by_db: 8}"))
    finals = [loud(1, -30), loud(4, -10, "agent"), loud(7, -30)]
    assert hits(play(pack, finals, 30)) == []


def held(at, seconds):
    return [
        CallHeld(at=ANSWERED + at, call_id=CALL),
        CallResumed(at=ANSWERED + at + seconds, call_id=CALL, held_s=seconds),
    ]


def moved(kind, at):
    return CallTransferred(
        at=ANSWERED + at, call_id=CALL, kind=kind, from_agent="PJSIP/1001", to="800"
    )


@pytest.mark.parametrize(
    ("rule", "finals", "more", "by", "measured"),
    [
        ("holds, above: 1", [], [*held(1, 2), *held(5, 2)], "customer", [2]),
        ("held_total_s, above: 3", [], [*held(1, 2), *held(5, 2)], "customer", [3]),
        ("last_word_s, above: 5", [final("agent", 1, 20, "好")], [], "customer", [10]),
        ("last_word_s, above: 5, hangup_by: agent", [final("agent", 1, 20, "好")], [], "agent",
         [10]),
        ("hung_up, above: 0, hangup_by: agent", [], [], "agent", [1]),
        ("holds, above: 0, hangup_by: customer", [], held(1, 2), "customer", [1]),
        ("hold_s, above: 3, hangup_by: customer", [], [*held(1, 4), *held(6, 2)], "customer", [4]),
        ("hold_s, above: 3, hangup_by: customer", [], held(20, 40)[:1], "customer", [10]),
        ("transfers, above: 0, hangup_by: customer", [], [moved("blind", 5)], "customer", [1]),
        ("transfers, above: 0", [], [moved("blind", 5), moved("parked", 6)], "customer", [1]),
        ("transfers, above: 0", [], [moved("parked", 5), moved("parked", 6)], "customer", [1]),
        ("transfers, above: 1", [], [moved("blind", 5), moved("parked", 6)], "customer", []),
        ("holds, above: 0, hangup_by: agent", [], held(1, 2), "customer", []),
        ("holds, above: 1", [], held(1, 2), "customer", []),
        ("held_total_s, above: 3", [], held(1, 2), "customer", []),
        ("last_word_s, above: 5", [final("agent", 1, 28, "好")], [], "customer", []),
        ("last_word_s, above: 5, hangup_by: agent", [final("agent", 1, 20, "好")], [], "customer",
         []),
        ("hung_up, above: 0, hangup_by: agent", [], [], "customer", []),
        ("last_word_s, above: 5", [], [], "customer", []),
    ],
)  # fmt: skip
def test_more_figures_of_the_call(pack_of, rule, finals, more, by, measured):  # noqa: PLR0917 - a table
    pack = pack_of(f"type: call, measure: {rule}")
    events = [joined(), connected(), *legs(), *more, *finals]
    events.append(ended(ANSWERED + 30, hangup_by=by))
    events.sort(key=lambda e: e.at)
    found = hits(run(CallJudge(pack, CALL), events, ANSWERED + 50))
    assert [round(hit.evidence.measured) for hit in found] == measured


def test_any_rule_may_be_part_of_another(pack_of):
    silence = "type: dead_air, silence_s: 8, alert: false"
    sorry = when(
        "{op: absent, within_s: 10, of: {op: words, role: agent, any_of: [a]}, "
        "after: {op: found, rules: [r0]}}"
    )
    pack = pack_of(silence, sorry)
    finals = [final("customer", 1, 3, "喂"), final("agent", 15, 17, "香蕉")]
    good = [final("customer", 1, 3, "喂"), final("agent", 15, 17, "苹果")]
    assert len(hits(play(pack, [*finals, final("agent", 18, 39, "啊")], 40), "r1")) == 1
    assert hits(play(pack, [*good, final("agent", 18, 39, "啊")], 40), "r1") == []


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (when('{op: regex, role: agent, pattern: "(a"}'), "no regular expression"),
        (when('{op: regex, role: agent, pattern: "a*"}'), "match everywhere"),
        (when("{op: words, role: agent}"), "give any_of or all_of"),
        (when("{op: words, role: agent, any_of: [nothing]}"), "no list is named nothing"),
        (when("{op: found, rules: [r9]}"), "no rule in force is named r9"),
        (when("{op: found, rules: [r0]}"), "builds on rules that build on it"),
        (when(f"{{op: all, of: [{{op: not, of: {A}}}, {{op: not, of: {B}}}]}}"), "needs something"),
        (when("{op: wrods, role: agent}"), "there is no op `wrods`; did you mean words?"),
        (
            'type: words, role: agent, lists: [a], only: {hours: ["8-17"]}',
            "no time of day",
        ),
        (
            'type: words, role: agent, lists: [a], only: {hours: ["08:00-24:30"]}',
            "no time of day",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_line(write, rule, reason):
    problems = [p for p in check(write(rule)) if p.level == "error"]
    assert any(reason in p.reason for p in problems)
    assert all(p.line == 9 for p in problems)


@pytest.mark.parametrize(
    ("pattern", "reasons"),
    [
        ("您.*病", ["`您` is never found in normalised text: write `你`"]),
        ("(?i)CT片", ["`C` is never found", "`T` is never found"]),
        ("三天|三個月", ["`三` is never found", "`個` is never found"]),
        (r"\\d{1,3}天|(?P<多久>几)天|\\p{Han}百分之|[^你他]了", []),
    ],
)
def test_a_pattern_that_normalised_text_never_matches_is_pointed_out(write, pattern, reasons):
    rule = when(f'{{op: any, of: [{A}, {{op: regex, role: agent, pattern: "{pattern}"}}]}}')
    told = [p for p in check(write(rule)) if "normalised" in p.reason]
    assert all(p.level == "warning" and p.line == 9 for p in told)
    assert len(told) == len(reasons)
    for problem, reason in zip(told, reasons, strict=True):
        assert problem.reason.startswith(reason)


def test_a_pattern_that_takes_too_long_is_given_up_for_the_call(pack_of):
    pack = pack_of(when('{op: regex, role: agent, pattern: "(a+a+)+b"}'))
    failed = []
    judge = CallJudge(pack, CALL, failed.append)
    judge.feed(final("agent", 1, 3, "ab" + "ac" * 20 + "aab aa bba " * 10), ANSWERED + 4)
    assert failed == []
    pack = pack_of(when('{op: regex, role: agent, pattern: "(?:(?:甲|乙)+(?:甲|乙)+)+戊"}'))
    judge = CallJudge(pack, CALL, failed.append)
    judge.feed(final("agent", 1, 3, "甲乙" * 100 + "丙戊"), ANSWERED + 4)
    assert failed == ["r0"]
