"""What authors of packs get wrong, and what one of ill will holds: told, with line and reason."""

import re

import pytest
from qa_packs import write_pack

from qa_engine.pack import check, fingerprint, json_schema, load
from qa_engine.phrases import parse
from qa_engine.words import WordGroup, WordIndex

HEAD = "id: w, kind: taboo_phrase, severity: high, title: 规则, title_en: rule"
LISTS = "lists:\n  bad: {about: x, words: [不归我管]}\n"
PACK = 'pack: test\nversion: "1"\n' + LISTS + "rules:\n"
RULE = f"  - {{{HEAD}, type: words, role: agent, lists: [bad]}}\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, name="pack.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path

    return writer


def when(find):
    return PACK + RULE.replace("id: w", "id: v") + f"  - {{{HEAD}, type: when, find: {find}}}\n"


BAD = "{op: words, role: agent, any_of: [bad]}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PACK.replace("[不归我管]", "[不归我管, 120]") + RULE,
         "4 lists.bad.words.1: must be text: put it in quotes"),
        (PACK.replace("[不归我管]", "[{text: 甲乙, unles: {}}]") + RULE,
         "4 lists.bad.words.0.unles: is not known here; did you mean unless?"),
        (PACK.replace('"1"', "1") + RULE, "2 version: must be text: put it in quotes"),
        ("include: hospital-zh\n" + PACK + RULE,
         "1 include: must be a list, as [a, b]"),
        (when("{op: wrods, role: agent}"),
         "7 rules.1.find: there is no op `wrods`; did you mean words?"),
        (when("{role: agent}"), "7 rules.1.find: `op` is missing: what it is"),
        (when(f"{{op: absent, within_s: -1, of: {BAD}}}"),
         "7 rules.1.find.within_s: Input should be greater than 0"),
        (when(f"{{op: absent, within_s: .inf, of: {BAD}}}"),
         "7 rules.1.find.within_s: must be a number with an end"),
        (when(f"{{op: all, of: [{BAD}]}}"),
         "7 rules.1.find.of: must hold at least 2, not 1"),
        (when(f"{{op: all, of: [{BAD}, {{op: words, role: agent, any_of: 3}}]}}"),
         "7 rules.1.find.of.1.any_of: must be a list, as [a, b]"),
        (when("{op: similar, role: agent, to: [好的, '，']}"),
         "7 rules.1.find.to: `，`: nothing is left of it to compare with"),
        (PACK.replace("[不归我管]", "[<none>不管]") + RULE,
         "4 lists.bad.words.0: `<none>不管`: no list of plain words is named none"),
        (PACK + f"  - &a {RULE[4:-2]}, severty: low}}\n  - {{<<: *a, id: v}}\n",
         "7 rules.1.severty: is not known here; did you mean severity?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_to_write(write, text, problem):
    told = [f"{p.line} {p.field}: {p.reason}" for p in check(write(text))]
    assert any(one.startswith(problem) for one in told)


def test_a_rule_may_be_merged_from_another(write):
    folder = write(PACK + f"  - &a {RULE[4:]}  - {{<<: *a, id: v}}\n")
    assert [rule.id for rule in load(folder).rules] == ["w", "v"]


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ("[不归我管(了|，)]", ["nothing is left of `，`"]),
        ("[(嗯|好的)不归我管]", ["nothing is left of `嗯`"]),
        ("[不(归(我|！)管|要)]", ["nothing is left of `！`"]),
        ("[{text: 不归我管, unless: {after: ['的(吗|。)']}}]", ["nothing is left of `。`"]),
        ("[不归我管(了|，|)]", []),
        ("['不归我管，']", []),
        ("[（不归|别）管]", ["`（` is left out", "`）` is left out", "in parentheses only"]),
        ("[不归＊管]", ["did you mean `*`"]),
        ("[不归我管|不归他管]", ["in parentheses only: (a|b)"]),
        ("[(三|五)百块]", ["never found: `3百块` is matched on as `300块`"]),
    ],
)
def test_what_is_read_otherwise_than_it_looks_is_told(write, words, reasons):
    problems = check(write(PACK.replace("[不归我管]", words) + RULE))
    assert {p.level for p in problems} <= {"warning"}
    assert len(problems) == len(reasons)
    for reason in reasons:
        assert any(reason in p.reason and p.line == 4 for p in problems)


@pytest.mark.parametrize(
    ("role", "warned"), [("", True), (", role: either", False), (", role: customer", False)]
)
def test_who_waits_for_what_the_other_side_says_is_told(write, role, warned):
    said = "{op: words, role: customer, any_of: [bad]}"
    problems = check(write(when(f"{{op: absent, within_s: 9, of: {said}{role}}}")))
    assert [p.reason for p in problems] == warned * [
        "`absent` waits for the agent, and `of` is said by the other side"
    ]


def test_the_schema_takes_what_the_loader_takes():
    """An editor would mark each sentence by itself, and let pass what the loader refuses."""
    parts = json_schema()["$defs"]
    kinds = [one["type"] for one in parts["Examples"]["properties"]["fires"]["items"]["anyOf"]]
    assert kinds == ["string", "array"]
    assert {"required": ["within_s"]} in parts["StepRule"]["oneOf"]
    assert {"required": ["all_of"]} in parts["WordsCondition"]["anyOf"]
    assert {"required": ["above"]} in parts["TalkRatioCondition"]["oneOf"]
    hours = parts["Only"]["properties"]["hours"]["items"]["pattern"]
    assert re.search(hours, "22:00-06:00")
    assert not any(re.search(hours, text) for text in ("25:00-26:00", "8-9", "08:00-17:30h"))


def test_kinds_of_ones_own_are_welcome_and_slips_are_told(write):
    own = RULE.replace("taboo_phrase", "refund_delay")
    assert check(write(PACK + own)) == []
    slip = RULE.replace("taboo_phrase", "tabo_phrase")
    (problem,) = check(write(PACK + slip))
    assert problem.reason.endswith("did you mean taboo_phrase?")


def test_lists_of_an_included_pack_may_go_unused(write):
    write(PACK + RULE, "base/pack.yaml")
    own = write("pack: own\ninclude: [../base]\nwithout: [w]\n", "own/pack.yaml") / "own"
    assert check(own) == []


def test_a_list_that_is_there_already_is_all_that_is_told(write):
    text = PACK.replace("rules:", "  other: {about: x, words: [<bad>了]}\nrules:") + RULE
    write(text, "base/pack.yaml")
    again = "pack: own\ninclude: [../base]\nlists:\n  bad: {about: x, words: ['甲*乙']}\n"
    own = write(again, "own/pack.yaml") / "own"
    assert [p.reason for p in check(own)] == ["defined already in ../base/pack.yaml:4"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffinclude: [../base]\npack: own\n",
        '{"include": ["../base"], "pack": "own"}',
        "pack: own\n'include' : [../base]\n",
    ],
)
def test_an_edit_of_what_is_included_is_seen_however_it_is_written(write, text):
    base = write(PACK + RULE, "base/pack.yaml") / "base"
    own = write(text, "own/pack.yaml") / "own"
    before, version = fingerprint(own), load(own).version
    (base / "pack.yaml").write_text(PACK + RULE + "# edited\n", encoding="utf-8")
    assert fingerprint(own) != before
    assert load(own).version != version


@pytest.mark.parametrize("head", ["", "include: [x]\n"])
def test_what_is_nested_without_measure_is_refused_at_once(write, head):
    folder = write(head + PACK.replace("[不归我管]", "[" * 200 + "]" * 200))
    assert [(p.line > 1, p.reason) for p in check(folder)] == [(True, "is nested too deeply")]
    assert len(fingerprint(folder)) == 1


@pytest.mark.parametrize("phrase", ["*".join(["(一下|下一|一|下)"] * 9) + "完",
                                    "一*下*一&下*一*下&完*一"])  # fmt: skip
def test_a_phrase_of_many_gaps_does_not_hold_up_the_call(phrase):
    # Without a limit the first would go on for hours.
    index = WordIndex([WordGroup("a", (parse(phrase),)), WordGroup("b", (parse("再*见"),))])
    scan = index.scan("一下" * 100 + "，完一，再也不见")
    assert scan.hits("a") == ()
    assert len(scan.hits("b")) == 1


def test_a_phrase_of_many_gaps_is_found(tmp_path):
    pack = load(
        write_pack(
            tmp_path,
            "type: words, role: agent, lists: [long]",
            lists={"long": ["这个*不归*我*去问*别人"]},
        )
    )
    assert len(pack.index.scan("这个事情不归我们科，我看你去问问别人").hits("long")) == 1
    assert pack.index.scan("这个事情归我们科，我看你去问问别人").hits("long") == ()
