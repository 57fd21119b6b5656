"""Every operator: at least three calls that it fires on, and three that only look so.

The cases stand in tests/data/operators. A look-alike is one that a rule without the operator would
fall for: each group names that naive rule, and it must fire on every one of them.
"""

import copy
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_calls import ANSWERED, CALL, connected, ended, final, joined, legs, run, spoken
from qa_operators import found, operators, roles
from ruamel.yaml import YAML

from qa_engine.judge import CallJudge
from qa_engine.pack import PackError, load

LEAST = 3
FOLDER = Path(__file__).parents[2] / "data" / "operators"
GROUPS = [
    (path.stem, number, group)
    for path in sorted(FOLDER.glob("*.yaml"))
    for number, group in enumerate(YAML(typ="safe", pure=True).load(path.read_bytes()), 1)
]


def named(group):
    """The operators that a group of cases counts for."""
    sides = {side for rule in (group["rule"], *group.get("others", ())) for side in roles(rule)}
    return {*group["operator"], *(name.partition("=")[0] for name in group["operator"]), *sides}


def written(group, folder, *, naive=False):
    """The group's rule as a pack, compiled."""
    rule = copy.deepcopy(group["rule"])
    lists = dict(group.get("lists", {}))
    if naive:
        assert "naive" in group or "naive_lists" in group
        merge(rule, group.get("naive", {}))
        lists |= group.get("naive_lists", {})
    if "find" in rule:
        rule.setdefault("type", "when")
    rules = [
        {"severity": "high", "kind": "taboo_phrase", "title": "规则", "title_en": "rule", **one}
        for one in (*group.get("others", ()), {"id": "r", **rule})
    ]
    lists = {
        name: {"about": "x", **(words if isinstance(words, dict) else {"words": words})}
        for name, words in lists.items()
    }
    folder.mkdir(exist_ok=True)
    with (folder / "pack.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(
            {
                "pack": "test",
                "version": "1",
                "lists": lists,
                "sentences": group.get("sentences", {}),
                "rules": rules,
            },
            file,
        )
    return load(folder)


def merge(rule, changes):
    for name, value in changes.items():
        if value is None:
            rule.pop(name)
        elif isinstance(value, dict) and "op" not in value and name in rule:
            merge(rule[name], value)
        else:
            rule[name] = value


def fires(pack, call, severity=None):
    return any(severity in {None, hit.severity} for hit in found(pack, call))


@pytest.mark.parametrize(
    "group", [group for _, _, group in GROUPS], ids=[f"{file}-{n}" for file, n, _ in GROUPS]
)
def test_it_fires_where_it_should_and_not_on_what_looks_alike(group, tmp_path):
    assert len(group["fires"]) >= LEAST
    assert len(group["silent"]) >= LEAST
    pack = written(group, tmp_path / "rule")
    wrong = [call for call in group["fires"] if not fires(pack, call, group.get("severity"))]
    assert wrong == []
    wrong = [call for call in group["silent"] if fires(pack, call, group.get("severity"))]
    assert wrong == []
    naive = written(group, tmp_path / "naive", naive=True)
    assert [call for call in group["silent"] if not fires(naive, call)] == []


def test_each_operator_has_enough_cases():
    every = set(operators())
    fire, silent = Counter(), Counter()
    for _, _, group in GROUPS:
        for name in named(group):
            fire[name] += len(set(group["fires"]))
            silent[name] += len(set(group["silent"]))
    counted = {name: (fire[name], silent[name]) for name in sorted(every)}
    assert {name: cases for name, cases in counted.items() if min(cases) < LEAST} == {}
    unknown = {name for _, _, group in GROUPS for name in group["operator"]} - every
    assert unknown == set()


def test_what_has_no_case_would_be_seen():
    """The list of operators comes from the schema, down to single choices."""
    every = set(operators())
    assert {"words", "call.measure=rings", "find.pick.which=k", "find.absent.after"} <= every
    assert {"only.topics", "company.before_s", "unless.within", "list.phonetic=on"} <= every


_JUNK = st.sampled_from([
    None, True, -1, 0, 1e308, float("nan"), 10**30, "", "a", "either", "(a", "<x>", "*", "a & b",
    "(?P<x>", "x" * 3000, [], {}, [[]], {"a": 1}, {"op": "not", "of": {"op": "not"}},
])  # fmt: skip


def places(tree):
    """Every mapping and list of a tree with each of its keys."""
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, part in steps:
        yield tree, key
        if isinstance(part, dict | list):
            yield from places(part)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(GROUPS), st.data())
def test_a_rule_that_was_spoilt_works_or_is_refused_with_its_line(tmp_path_factory, group, data):
    spoilt = {key: group[2].get(key, {}) for key in ("rule", "lists")}
    spoilt = copy.deepcopy({**spoilt, "others": group[2].get("others", [])})
    where, key = data.draw(st.sampled_from(list(places(spoilt["rule"]))))
    where[key] = data.draw(_JUNK)
    folder = tmp_path_factory.mktemp("spoilt")
    problems, failed = [], []
    try:
        judge = CallJudge(written(spoilt, folder), CALL, failed.append)
        said = spoken([final("agent", 1, 3, "您好"), final("customer", 2, 6, "我要退费")])
        run(judge, [joined(), connected(), *legs(), *said, ended(ANSWERED + 8)], ANSWERED + 20, 2)
    except PackError as refused:
        problems = refused.problems
    finally:
        shutil.rmtree(folder)
    assert all(p.file == "pack.yaml" and p.line and p.reason for p in problems)
    assert failed == []
