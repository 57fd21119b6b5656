"""Examples beside rules, and packs tried on calls that are over."""

import re

import pytest

from qa_engine.events import Alert
from qa_engine.pack import DEFAULT_PACK, PackError, load
from qa_engine.rehearsal import (
    compare,
    conversation,
    judge_events,
    scripted,
    spoken,
    try_examples,
)

PACK = """\
pack: test
version: "1"
lists:
  bad: {{about: x, words: [{word}]}}
  good: {{about: x, words: [我帮您查]}}
rules:
  - id: taboo
    type: words
    kind: taboo_phrase
    severity: high
    role: agent
    lists: [bad]
    title: 禁语
    title_en: Taboo
    unaccompanied: {{lists: [good], role: same, after_s: 10}}
    examples:
      fires: [不归我管, ["customer: 在吗", "agent: 不归我管"]]
      silent: [归我管, ["不归我管", "我帮您查"], ["customer: 不归我管"]]
"""


def pack_of(folder, word="不归我管"):
    folder.mkdir(exist_ok=True)
    (folder / "pack.yaml").write_text(PACK.format(word=word), encoding="utf-8")
    return load(folder)


def test_examples_are_said_and_told(tmp_path):
    results = try_examples(pack_of(tmp_path / "a"))
    assert [r.should_fire for r in results] == [True, True, False, False, False]
    assert all(r.good for r in results)
    spoilt = try_examples(pack_of(tmp_path / "b", word="归我管"))
    assert [r.fired for r in spoilt][2] is True


def example_of(folder, rule, *, words="不归我管"):
    """What becomes of the examples of a rule, `fires` first, beside one of kind red_line."""
    known = PACK.partition("  - id: taboo")[0].format(word=words)
    (folder / "pack.yaml").write_text(
        known
        + """\
  - {id: other, type: words, kind: red_line, severity: critical, role: agent, lists: [bad],
     title: 红线, title_en: Red line}
"""
        + f"  - {{id: own, severity: low, title: 规则, title_en: Rule, {rule}}}\n",
        encoding="utf-8",
    )
    return try_examples(load(folder))


@pytest.mark.parametrize(
    "only",
    [
        "queues: [fees]",
        "agents: [PJSIP/1]",
        "seniority: [new]",
        "topics: [refund]",
        'hours: ["22:00-06:00"]',
        'hours: ["08:00-09:00"], utc_offset_hours: -3',
        'queues: [fees], seniority: [senior], topics: [refund], hours: ["00:00-00:01"]',
    ],
)
def test_the_examples_of_a_rule_for_some_calls_are_said_on_one_of_these(tmp_path, only):
    rule = "type: words, kind: taboo_phrase, role: agent, lists: [bad]"
    examples = "examples: {fires: [不归我管], silent: [归我管]}"
    results = example_of(tmp_path, f"{rule}, only: {{{only}}}, {examples}")
    assert [r.good for r in results] == [True, True]


@pytest.mark.parametrize(
    "lines", ["[不归我管]", "['customer：不归我管']", "[['agent : 在吗', ' customer: 不归我管']]"]
)
def test_a_sentence_is_said_by_the_side_that_the_rule_listens_to(tmp_path, lines):
    find = "find: {op: words, role: customer, any_of: [bad]}"
    rule = f"type: when, kind: taboo_phrase, {find}, examples: {{fires: {lines}}}"
    assert [r.good for r in example_of(tmp_path, rule)] == [True]


def test_an_example_tells_which_rule_of_its_kind_took_its_words(tmp_path):
    rule = "type: words, kind: red_line, role: agent, lists: [bad]"
    (result,) = example_of(tmp_path, f"{rule}, examples: {{fires: [不归我管]}}")
    assert (result.fired, result.instead) == (False, ("other",))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("['agnet: 不归我管']", "`agnet` is no side; did you mean agent?"),
        ("[['agent: 在', 'Costumer: 不归我管']]", "did you mean customer?"),
        ("[[]]", "holds no sentence"),
    ],
)
def test_an_example_that_nobody_would_say_is_refused(tmp_path, lines, reason):
    rule = "type: words, kind: red_line, role: agent, lists: [bad]"
    with pytest.raises(PackError, match=re.escape(reason)):
        example_of(tmp_path, f"{rule}, examples: {{silent: {lines}}}")


def test_every_example_of_the_default_pack_does_as_it_should():
    results = try_examples(load(DEFAULT_PACK))
    assert len(results) >= 35
    assert [r for r in results if not r.good] == []


def alerts(pack, *lines):
    verdicts = judge_events(pack, "c", conversation("c", [("agent", line) for line in lines]))
    return [v for v in verdicts if isinstance(v, Alert)]


@pytest.mark.parametrize(
    ("new_word", "counts", "new", "gone"),
    [
        ("不归我管", (2, 2), 0, 0),
        ("随便你", (2, 1), 1, 2),
        ("(不归我管|随便你)", (2, 3), 1, 0),
        ("没有人说的话", (2, 0), 0, 2),
    ],
)
def test_what_a_change_of_a_pack_would_do(tmp_path, new_word, counts, new, gone):
    said = ("不归我管", "好的", "随便你", "您自己去看一下吧" * 20, "不归我管")
    before = alerts(pack_of(tmp_path / "old"), *said)
    after = alerts(pack_of(tmp_path / "new", word=new_word), *said)
    (change,) = compare(before, after)
    assert (change.rule, change.before, change.after) == ("taboo", *counts)
    assert (len(change.new), len(change.gone)) == (new, gone)


def test_who_speaks_for_long_is_not_silent_until_the_final_comes(tmp_path):
    (tmp_path / "pack.yaml").write_text(
        """\
pack: test
version: "1"
rules:
  - {id: quiet, type: dead_air, kind: dead_air, severity: low, silence_s: 8, title: 沉默,
     title_en: Silence}
""",
        encoding="utf-8",
    )
    pack = load(tmp_path)
    asked = spoken("c", "agent", 1, 3, "您请说", segment_id="a")
    told = spoken("c", "customer", 4, 24, "很长的一段话", segment_id="b")
    late = spoken("c", "customer", 14, 24, "过了很久的一段话", segment_id="b")
    found = [
        [v.start for v in judge_events(pack, "c", scripted("c", said, 26)) if isinstance(v, Alert)]
        for said in ([asked, told], [asked, late])
    ]
    assert found == [[], [3]]
