import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_engine.pack import PackError, check, json_schema, load
from qa_engine.pack.reading import read

GOOD = """\
pack: test
version: "7"
lists:
  bad:
    about: 禁语
    words:
      - 不归我管
      - {text: 随便你, phonetic: "off", unless: {after: [选]}}
rules:
  - id: taboo
    type: words
    kind: taboo_phrase
    severity: high
    role: agent
    lists: [bad]
    title: 禁语
    title_en: Taboo
"""


@pytest.fixture
def write(tmp_path):
    def writer(text, name="pack.yaml"):
        raw = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(raw)
        return tmp_path

    return writer


def test_a_good_pack_has_no_problem(write):
    folder = write(GOOD)
    assert check(folder) == []
    pack = load(folder)
    assert (pack.name, [rule.id for rule in pack.rules]) == ("test", ["taboo"])
    assert pack.version.startswith("7+")
    assert pack.index.scan("随便你选").hits("bad") == ()
    assert len(pack.index.scan("随便你").hits("bad")) == 1


def test_a_list_named_alone_makes_harmless_by_all_its_phrases(write):
    harmless = "lists:\n  harmless:\n    about: 转述\n    words: [有人*不归我管的]\n  bad:\n"
    folder = write(
        GOOD.replace("lists:\n  bad:\n", harmless).replace(
            "    words:\n      -", "    unless: {within: [<harmless>]}\n    words:\n      -"
        )
    )
    assert check(folder) == []
    index = load(folder).index
    assert index.scan("上回有人说不归我管的").hits("bad") == ()
    assert len(index.scan("有人说不归我管的，不归我管").hits("bad")) == 1


def test_an_edit_changes_the_version(write):
    before = load(write(GOOD)).version
    assert load(write(GOOD + "# edited\n")).version != before


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("severity: high", "severity: huge", 13, "severity: Input should be"),
        ("role: agent", "role: agnet", 14, "role: Input should be"),
        ("    role: agent\n", "", 10, "role: is missing"),
        ("title_en: Taboo", "titel_en: Taboo", 17, "is not known here; did you mean title_en?"),
        ("lists: [bad]", "lists: [worse]", 10, "no list is named worse"),
        ("lists: [bad]", "lists: [badd]", 10, "no list is named badd; did you mean bad?"),
        ("- 不归我管", "- 不归(我管", 7, "never closed"),
        ("- 不归我管", "- ，。", 7, "nothing is left"),
        ("after: [选]", "after: ['选*']", 8, "both sides"),
        ("type: words", "type: wrods", 10, "there is no type `wrods`; did you mean words?"),
        ("pack: test\n", "", 0, "no file names the pack"),
        ("about: 禁语", "about: [", 7, "expected"),
        ('version: "7"', 'version: "7"\nversion: "8"', 3, "duplicate key"),
        ("id: taboo", "id: TABOO", 10, "id: String should match"),
        ("about: 禁语", "about: 禁语\n    phonetic: maybe", 6, "phonetic: Input should be"),
    ],
)  # fmt: skip
def test_a_broken_pack_tells_file_line_and_reason(write, old, new, line, reason):
    assert old in GOOD
    folder = write(GOOD.replace(old, new))
    problems = check(folder)
    assert problems
    assert {(problem.file, problem.level) for problem in problems} == {("pack.yaml", "error")}
    assert [problem.line for problem in problems if reason in str(problem)] == [line]
    with pytest.raises(PackError, match=r"pack\.yaml"):
        load(folder)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a: \xe4\xb8", b"- 1\n", b"x", b"a: b: c", b"\x00"])
def test_what_is_no_pack_is_told(write, raw):
    problems = check(write(raw))
    assert problems[0].level == "error"


def test_aliases_cannot_unfold_without_measure(write):
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True):
        bomb += f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
    assert "without measure" in check(write(bomb))[0].reason


def test_a_folder_must_be_there_and_hold_something(tmp_path):
    assert "no directory" in check(tmp_path / "nowhere")[0].reason
    assert "no .yaml" in check(tmp_path)[0].reason


def test_what_two_files_define_is_told_of_the_second(write):
    write(GOOD)
    folder = write(GOOD, "second.yaml")
    reasons = [problem.reason for problem in check(folder)]
    assert {"named already in pack.yaml", "defined already in pack.yaml:4"} < set(reasons)
    assert "taboo is defined already in pack.yaml:10" in reasons
    assert {problem.file for problem in check(folder)} == {"second.yaml"}


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("- 不归我管", "- 不归我管\n      - 不归，我管", 8, "stands in this list already"),
        ("- 不归我管", "- 滚", 7, "one character"),
        ("after: [选]", "within: [随便你]", 8, "hides `随便你`"),
        ("kind: taboo_phrase", "kind: tabu_phrase", 12, "tabu_phrase is none of the kinds"),
        ("lists:\n", "lists:\n  none: {about: x, words: []}\n", 4, "holds no words"),
        ("lists:\n", "lists:\n  more: {about: x, words: [甲乙]}\n", 4, "no rule uses it"),
    ],
)
def test_what_looks_wrong_is_a_warning_with_its_line_and_loads(write, old, new, line, reason):
    folder = write(GOOD.replace(old, new))
    (problem, *_) = [p for p in check(folder) if reason in p.reason]
    assert (problem.line, problem.level) == (line, "warning")
    load(folder)


def test_the_schema_knows_every_type_of_rule():
    text = str(json_schema())
    for name in ("words", "step", "call", "response", "interruption", "dead_air", "fast_speech"):
        assert f"'const': '{name}'" in text


def test_a_disabled_rule_is_not_in_force(write):
    assert load(write(GOOD.replace("id: taboo", "id: taboo\n    enabled: false"))).rules == ()


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["words", "step", "agent", "high", "bad", "不归我管", "(a", "*", "<x>"]),
)  # fmt: skip
_KEYS = st.sampled_from(
    ["pack", "version", "lists", "rules", "about", "words", "unless", "id", "type", "kind", "role",
     "severity", "title", "title_en", "before", "text", "any_of", "within_s", "x", 1, None, True]
)  # fmt: skip
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=20,
)


def _yaml(tree):
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(_yaml, tree)) + "]"
    return repr(tree) if isinstance(tree, str) else str(tree)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_file_is_read_or_refused(raw):
    source, model, problems = read("any.yaml", raw)
    assert (model is None) == bool(problems)
    assert source is not None or problems
    assert all(problem.reason and problem.file == "any.yaml" for problem in problems)


@settings(deadline=None, max_examples=200)
@given(_TREES)
def test_any_tree_is_a_pack_or_refused(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("pack")
    try:
        (folder / "any.yaml").write_bytes(_yaml(tree).encode("utf-8", "replace"))
        for problem in check(folder):
            assert problem.reason
    finally:
        shutil.rmtree(folder)
