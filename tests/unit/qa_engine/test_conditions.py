"""Each condition on small packs of its own: what fires, and what only looks like it."""

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, connected, dialogue, ended, final, joined, legs, play, run

from qa_engine import similarity
from qa_engine.events import Alert, Hit
from qa_engine.judge import CallJudge
from qa_engine.pack import check, load
from telephony.events import CallHeld, CallResumed

LISTS = {
    "a": ["苹果"],
    "b": ["香蕉", "黄蕉"],
    "c": ["樱桃"],
    "wait": ["请稍等", "等一下"],
}


@pytest.fixture
def write(tmp_path):
    def make(*rules, lists=None):
        text = 'pack: test\nversion: "1"\nlists:\n'
        for name, words in (lists or LISTS).items():
            text += f"  {name}: {{about: x, words: [{', '.join(words)}]}}\n"
        text += "rules:\n"
        for number, rule in enumerate(rules):
            head = f"id: r{number}, title: 规则, title_en: rule, severity: high, kind: taboo_phrase"
            text += f"  - {{{head}, {rule}}}\n"
        (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return make


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
C = "{op: words, role: either, any_of: [c]}"


@pytest.mark.parametrize(
    ("find", "lines", "fires"),
    [
        # all of several lists in one segment
        ("{op: words, role: agent, all_of: [a, b]}", agent("苹果和香蕉"), True),
        ("{op: words, role: agent, all_of: [a, b]}", agent("香蕉。再来苹果"), True),
        ("{op: words, role: either, all_of: [a, b]}", [("customer", "苹果香蕉")], True),
        ("{op: words, role: agent, all_of: [a, b]}", agent("苹果", "香蕉"), False),
        ("{op: words, role: agent, all_of: [a, b]}", agent("香蕉香蕉"), False),
        ("{op: words, role: agent, all_of: [a, b]}", [("customer", "苹果和香蕉")], False),
        # at least so many different ones
        ("{op: words, role: agent, any_of: [b, c], at_least: 2}", agent("香蕉樱桃"), True),
        ("{op: words, role: agent, any_of: [b], at_least: 2}", agent("香蕉和黄蕉"), True),
        ("{op: words, role: agent, any_of: [a, b, c], at_least: 2}", agent("苹果樱桃"), True),
        ("{op: words, role: agent, any_of: [b, c], at_least: 2}", agent("香蕉香蕉"), False),
        ("{op: words, role: agent, any_of: [b, c], at_least: 2}", agent("香蕉", "樱桃"), False),
        ("{op: words, role: agent, any_of: [b, c], at_least: 3}", agent("香蕉樱桃"), False),
        # a pattern with an exclusion
        ('{op: regex, role: agent, pattern: "挂.{1,3}号"}', agent("挂专家号"), True),
        ('{op: regex, role: agent, pattern: "[0-9]{3,}块"}', agent("要三百二十五块"), True),
        ('{op: regex, role: agent, pattern: "挂.{1,3}号", unless: 不}', agent("挂个号"), True),
        ('{op: regex, role: agent, pattern: "挂.{1,3}号", unless: 不}', agent("不挂个号"), False),
        ('{op: regex, role: agent, pattern: "挂.{1,3}号"}', agent("挂号"), False),
        ('{op: regex, role: agent, pattern: "挂.{1,3}号"}', [("customer", "挂专家号")], False),
        # order and distance
        (f"{{op: all, of: [{A}, {B}], ordered: true}}", agent("苹果", "香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], ordered: true}}", agent("苹果然后香蕉"), True),
        (f"{{op: all, of: [{A}, {B}, {C}], ordered: true}}", agent("苹果", "香蕉樱桃"), True),
        (f"{{op: all, of: [{A}, {B}], ordered: true}}", agent("香蕉", "苹果"), False),
        (f"{{op: all, of: [{A}, {B}], ordered: true}}", agent("香蕉然后苹果"), False),
        (f"{{op: all, of: [{A}, {B}], ordered: true}}", agent("苹果"), False),
        (f"{{op: all, of: [{A}, {B}], within_characters: 3}}", agent("苹果和香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_characters: 3}}", agent("香蕉加苹果"), True),
        (f"{{op: all, of: [{A}, {B}], within_characters: 0}}", agent("苹果香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_characters: 3}}", agent("苹果或者别的香蕉"), False),
        (f"{{op: all, of: [{A}, {B}], within_characters: 3}}", agent("苹果", "香蕉"), False),
        (f"{{op: all, of: [{A}, {B}], within_characters: 0}}", agent("苹果和香蕉"), False),
        # within seconds, within segments
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}", agent("苹果", "香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}", agent("香蕉", "苹果"), True),
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}", agent("苹果香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}",
         agent("苹果", "说了很多很多别的话以后", "香蕉"), False),
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}",
         agent("香蕉", "说了很多很多别的话以后", "苹果"), False),
        (f"{{op: all, of: [{A}, {B}], within_s: 3}}", agent("苹果", "樱桃"), False),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 1}}", agent("苹果", "香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 2}}", agent("苹果", "嗯好", "香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 0}}", agent("苹果香蕉"), True),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 1}}", agent("苹果", "好", "香蕉"), False),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 0}}", agent("苹果", "香蕉"), False),
        (f"{{op: all, of: [{A}, {B}], within_sentences: 1}}", agent("苹果", "樱桃"), False),
        # any, not
        (f"{{op: any, of: [{A}, {B}]}}", agent("苹果"), True),
        (f"{{op: any, of: [{A}, {B}]}}", agent("香蕉"), True),
        (f"{{op: any, of: [{A}, {B}]}}", agent("香蕉", "苹果"), True),
        (f"{{op: any, of: [{A}, {B}]}}", agent("樱桃"), False),
        (f"{{op: any, of: [{A}, {B}]}}", agent("平果"), False),
        (f"{{op: any, of: [{A}, {B}]}}", agent("香"), False),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}], within_s: 2}}", agent("苹果"), True),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}]}}", agent("苹果", "樱桃"), True),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}], within_sentences: 0}}",
         agent("苹果", "香蕉"), True),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}], within_s: 2}}",
         agent("苹果", "香蕉"), False),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}]}}",
         agent("苹果", "说了很多很多别的话以后", "香蕉"), False),
        (f"{{op: all, of: [{A}, {{op: not, of: {B}}}], within_sentences: 0}}",
         agent("苹果香蕉"), False),
        (f"{{op: not, of: {A}}}", agent("香蕉"), True),
        (f"{{op: not, of: {A}}}", [("customer", "喂")], True),
        (f"{{op: not, of: {{op: all, of: [{A}, {B}]}}}}", agent("苹果"), True),
        (f"{{op: not, of: {A}}}", agent("香蕉", "苹果"), False),
        (f"{{op: not, of: {A}}}", [("customer", "苹果")], False),
        (f"{{op: not, of: {{op: all, of: [{A}, {B}]}}}}", agent("苹果", "香蕉"), False),
        # before and after an anchor
        (f"{{op: after, anchor: {A}, of: {B}}}", agent("苹果", "香蕉"), True),
        (f"{{op: after, anchor: {A}, of: {B}, within_s: 2}}", agent("苹果", "香蕉"), True),
        (f"{{op: before, anchor: {A}, of: {B}}}", agent("香蕉", "苹果"), True),
        (f"{{op: after, anchor: {A}, of: {B}}}", agent("香蕉", "苹果"), False),
        (f"{{op: before, anchor: {A}, of: {B}}}", agent("苹果", "香蕉"), False),
        (f"{{op: after, anchor: {A}, of: {B}, within_s: 2}}",
         agent("苹果", "说了很多很多别的话以后", "香蕉"), False),
    ],
)  # fmt: skip
def test_what_was_said(pack_of, find, lines, fires):
    assert bool(fired(pack_of(when(find)), lines)) is fires


@pytest.mark.parametrize(
    ("which", "expected"),
    [("first", [0]), ("last", [2]), (1, [0]), (2, [1]), (3, [2]), (4, [])],
)
def test_the_first_the_last_and_the_kth(pack_of, which, expected):
    pack = pack_of(when(f"{{op: pick, which: {which}, of: {A}}}"))
    finals = dialogue(*agent("苹果", "买苹果", "来个苹果"))
    found = hits(play(pack, finals, finals[-1].end + 3))
    assert [hit.evidence.segment_id for hit in found] == [finals[n].segment_id for n in expected]


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
    ("finals", "count"),
    [
        ([final("customer", 5, 7, "香蕉")], 1),
        ([final("customer", 5, 7, "香蕉"), final("agent", 30, 32, "苹果")], 1),
        ([final("agent", 1, 2, "苹果"), final("customer", 5, 7, "香蕉")], 1),
        ([final("customer", 5, 7, "香蕉"), final("agent", 8, 9, "苹果")], 0),
        ([final("customer", 5, 7, "樱桃")], 0),
        ([final("customer", 5, 7, "香蕉"), final("agent", 15, 17, "好的苹果")], 0),
    ],
)
def test_absence_after_an_anchor(pack_of, finals, count):
    pack = pack_of(
        when(
            "{op: absent, of: {op: words, role: agent, any_of: [a]}, within_s: 10, "
            "after: {op: words, role: customer, any_of: [b]}}"
        )
    )
    assert len(hits(play(pack, finals, 60))) == count


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
def test_similar_sentences(pack_of, monkeypatch, semantic, text, fires):
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


@pytest.mark.parametrize(
    ("lines", "fires"),
    [
        ([("customer", "内科今天上班吗"), ("agent", "啊"), ("customer", "内科今天上班不")], True),
        ([("customer", "我要挂专家号"), ("customer", "我说我要挂专家号")], True),
        ([("customer", "报告什么时候出"), ("agent", "啊"), ("customer", "报告什么时候能出")], True),
        ([("customer", "内科今天上班吗"), ("customer", "那骨科在几楼呢")], False),
        ([("customer", "内科今天上班吗"), ("agent", "内科今天上班吗")], False),
        ([("customer", "好的"), ("customer", "好的")], False),
    ],
)  # fmt: skip
def test_the_same_asked_again(pack_of, lines, fires):
    pack = pack_of(when("{op: repeats, role: customer, similarity: 0.6}"))
    assert bool(fired(pack, lines)) is fires


def test_the_third_time(pack_of):
    pack = pack_of(when("{op: repeats, role: customer, times: 3}"))
    lines = [("customer", "内科今天上班吗"), ("agent", "啊")] * 3
    (hit,) = fired(pack, lines)
    assert hit.evidence.segment_id.startswith("customer")
    assert fired(pack, lines[:4]) == []


def loud(start, level, role="customer"):
    return msgspec.structs.replace(final(role, start, start + 1, "苹果"), level_db=level)


@pytest.mark.parametrize(
    ("levels", "fires"),
    [
        ([-30, -30, -18], True),
        ([-30, -20], True),
        ([-32, -30, -28, -21], True),
        ([-30, -27, -24, -21], False),
        ([-18, -30, -30], False),
        ([-10], False),
    ],
)
def test_a_jump_in_loudness(pack_of, levels, fires):
    pack = pack_of(when("{op: louder, role: customer, by_db: 8}"))
    finals = [loud(1 + 3 * number, level) for number, level in enumerate(levels)]
    assert bool(hits(play(pack, finals, 30))) is fires


def test_loudness_of_the_other_side_does_not_count(pack_of):
    pack = pack_of(when("{op: louder, role: customer, by_db: 8}"))
    finals = [loud(1, -30), loud(4, -10, "agent"), loud(7, -30)]
    assert hits(play(pack, finals, 30)) == []


@pytest.mark.parametrize(
    ("finals", "fires"),
    [
        ([final("agent", 1, 11, "甲乙丙丁戊己庚辛壬癸" * 8)], True),
        ([final("agent", s, s + 4, "甲乙丙丁戊己庚辛壬癸" * 3) for s in (1, 10)], True),
        ([final("agent", 1, 2, "甲乙"), final("agent", 3, 9, "甲乙丙丁戊己庚辛壬癸" * 6)], True),
        ([final("agent", 1, 16, "甲乙丙丁戊己庚辛壬癸" * 6)], False),
        ([final("agent", 1, 2, "甲乙丙丁戊己庚辛壬癸")], False),
        ([final("customer", 1, 11, "甲乙丙丁戊己庚辛壬癸" * 8)], False),
    ],
)
def test_the_average_rate(pack_of, finals, fires):
    pack = pack_of(when("{op: rate, role: agent, above: 300, characters: 50}"))
    assert bool(hits(play(pack, finals, 30))) is fires


@pytest.mark.parametrize(
    ("limit", "spoken", "fires"),
    [
        ("above: 0.7", [("agent", 1, 9), ("customer", 10, 12)], True),
        ("above: 0.7", [("agent", 1, 12)], True),
        ("below: 0.2", [("customer", 1, 12), ("agent", 13, 14)], True),
        ("above: 0.7", [("agent", 1, 6), ("customer", 7, 13)], False),
        ("above: 0.7", [("agent", 1, 4)], False),
        ("below: 0.2", [("customer", 1, 8), ("agent", 9, 14)], False),
    ],
)
def test_the_share_of_the_talk(pack_of, limit, spoken, fires):
    pack = pack_of(when(f"{{op: talk_ratio, role: agent, {limit}, after_s: 10}}"))
    finals = [final(role, start, end, "苹果") for role, start, end in spoken]
    assert bool(hits(play(pack, finals, 20))) is fires


SILENT = "type: dead_air, silence_s: 8"


@pytest.mark.parametrize(
    ("words", "until", "fires"),
    [
        ("请稍等", 32, False),
        ("请稍等半分钟", 35, False),
        ("请稍等两分钟", 120, False),
        ("我看看", 32, True),
        ("请稍等", 48, True),
        ("请稍等十秒", 25, True),
    ],
)
def test_dead_air_counts_only_beyond_what_was_promised(pack_of, words, until, fires):
    pack = pack_of(f"{SILENT}, asked_to_wait: [wait], wait_s: 30")
    finals = [
        final("customer", 1, 2, "喂"),
        final("agent", 3, 5, words),
        final("agent", until, until + 2, "好了"),
    ]
    assert bool(hits(play(pack, finals, until + 4))) is fires


@pytest.mark.parametrize(
    ("words", "fires"),
    [
        ("您先听我说", True),
        ("好的，那您应该先去挂号", True),
        ("不是这样的啊", True),
        ("嗯嗯，好的好的", False),
        ("对，是的，明白", False),
        ("哦", False),
    ],
)
def test_back_channels_do_not_interrupt(pack_of, words, fires):
    pack = pack_of("type: interruption, role: agent, characters: 4")
    finals = [final("customer", 1, 8, "很长的一段话"), final("agent", 4, 7, words)]
    assert bool(hits(play(pack, finals, 15))) is fires


def held(at, seconds):
    return [
        CallHeld(at=ANSWERED + at, call_id=CALL),
        CallResumed(at=ANSWERED + at + seconds, call_id=CALL, held_s=seconds),
    ]


@pytest.mark.parametrize(
    ("rule", "finals", "more", "by", "measured"),
    [
        ("holds, above: 1", [], [*held(1, 2), *held(5, 2)], "customer", [2]),
        ("held_total_s, above: 3", [], [*held(1, 2), *held(5, 2)], "customer", [4]),
        ("last_word_s, above: 5", [final("agent", 1, 20, "好")], [], "customer", [10]),
        ("last_word_s, above: 5, hangup_by: agent", [final("agent", 1, 20, "好")], [], "agent",
         [10]),
        ("hung_up, above: 0, hangup_by: agent", [], [], "agent", [1]),
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
    ("only", "fires"),
    [
        ("queues: [general]", True),
        ("agents: [PJSIP/1001], queues: [general, other]", True),
        ("seniority: [new]", True),
        ('hours: ["06:00-07:00"]', True),
        ("queues: [other]", False),
        ("agents: [PJSIP/1002]", False),
        ("seniority: [senior]", False),
        ('hours: ["07:00-06:00"]', False),
        ("topics: [refund]", False),
    ],
)
def test_only_on_some_calls(pack_of, only, fires):
    # ANSWERED is 06:13 in China.
    pack = pack_of(f"type: words, role: agent, lists: [a], only: {{{only}}}")
    judge = CallJudge(pack, CALL, seniority={"PJSIP/1001": "new"})
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    verdicts = judge.feed(final("agent", 1, 3, "苹果"), ANSWERED + 4)
    assert bool([v for v in verdicts if isinstance(v, Alert)]) is fires


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
        (when("{op: wrods, role: agent}"), "does not match any of the expected tags"),
        (
            'type: words, role: agent, lists: [a], only: {hours: ["8-17"]}',
            "no time of day",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_line(write, rule, reason):
    problems = [p for p in check(write(rule)) if p.level == "error"]
    assert any(reason in p.reason for p in problems)
    assert all(p.line == 9 for p in problems)


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
