"""Which rules were in force when, in a chain that shows every edit."""

import pytest
from qa_guidance import write_small_guidance
from sqlalchemy import select, text, update

from backbone.audit import GENESIS
from backbone.store.engine import open_engine
from backbone.store.tables.rules import rule_versions
from qa_engine.guidance.content import load_guidance
from qa_engine.pack import load
from qa_engine.versions import (
    PROJECTIONS,
    chained,
    guidance_versioned,
    versioned,
    versions,
)

PACK = """\
pack: test
version: "1"
lists:
  bad: {{about: 禁语, words: [{word}]}}
rules:
  - {{id: {rule}, type: words, kind: taboo_phrase, severity: {severity}, role: agent, lists: [bad],
     title: 禁语, title_en: Taboo}}
"""


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def enter(engine):
    def enter(event):
        with engine.begin() as connection:
            for projection in PROJECTIONS[type(event)]:
                projection(connection, 1, event)

    return enter


@pytest.fixture
def put(enter, tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    times = iter(range(100, 200))

    def put(word="不归我管", rule="taboo", severity="high"):
        text = PACK.format(word=word, rule=rule, severity=severity)
        (folder / "pack.yaml").write_text(text, encoding="utf-8")
        enter(versioned(load(folder), float(next(times))))

    return put


def listed(engine):
    with engine.connect() as connection:
        return versions(connection)


def test_each_content_is_a_version_that_says_what_it_changed(engine, put):
    put()
    put()  # started again
    put(word="随便你")
    put(word="随便你", severity="critical")
    put(word="随便你", rule="other", severity="critical")
    put(word="随便你", severity="critical")  # taken back: a version of its own
    back, other, graver, word, first = listed(engine)
    assert [v.number for v in (first, word, graver, other, back)] == [1, 2, 3, 4, 5]
    assert (first.added, first.files_changed) == (["taboo"], ["pack.yaml"])
    assert (word.files_changed, word.changed, word.added) == (["pack.yaml"], ["taboo"], [])
    assert graver.changed == ["taboo"]
    assert (other.added, other.removed) == (["other"], ["taboo"])
    assert back.digest == graver.digest
    assert len({v.hash for v in (first, word, graver, other, back)}) == 5
    assert all(v.whole for v in listed(engine))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rule_versions SET at = 1 WHERE number = 2",
        "UPDATE rule_versions SET rules = '{}' WHERE number = 2",
        "DELETE FROM rule_versions WHERE number = 2",
    ],
)
def test_a_row_that_was_changed_breaks_the_chain_from_there_on(engine, put, statement):
    for word in ("不归我管", "随便你", "自己看"):
        put(word=word)
    with engine.begin() as connection:
        connection.execute(text(statement))
    whole = [version.whole for version in listed(engine)[::-1]]
    assert whole[0]
    assert not any(whole[1:])


def test_a_row_that_was_made_to_fit_again_breaks_the_one_after_it(engine, put):
    for word in ("不归我管", "随便你", "自己看"):
        put(word=word)
    first, second = rule_versions.alias(), rule_versions.c
    with engine.begin() as connection:
        row = dict(connection.execute(select(first).where(first.c.number == 1)).mappings().one())
        row["at"] = 1.0
        forged = chained(GENESIS, row)
        whole = update(rule_versions)
        connection.execute(whole.where(second.number == 1).values(at=1.0, hash=forged))
        connection.execute(whole.where(second.number == 2).values(previous=forged))
    assert [version.whole for version in listed(engine)[::-1]] == [True, False, False]


LAYERED = """\
pack: layered
version: "1"
include: [../base]
rules:
  - {id: direct, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [own],
     title: 禁语, title_en: Taboo}
  - {id: by_name, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [frame],
     title: 禁语, title_en: Taboo}
  - id: built_on
    type: when
    kind: taboo_phrase
    severity: high
    title: 禁语
    title_en: Taboo
    find: {op: found, rules: [by_name]}
  - {id: other, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [apart],
     title: 禁语, title_en: Taboo}
"""
LISTS = """\
lists:
  own: {about: 禁语, words: [随便你], unless: {before: ["不<who>"]}}
  frame: {about: 句式, words: ["找<who>"]}
  who: {about: 谁, words: [院长]}
  apart: {about: 别的, words: [自己看]}
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("随便你", "随你便", ["direct"]),
        ("找<who>", "去找<who>", ["built_on", "by_name"]),
        ("院长", "处长", ["built_on", "by_name", "direct"]),
        ("自己看", "自己查", ["other"]),
        ("about: 谁", "about: 什么人", []),
    ],
)
def test_an_edited_list_of_an_included_pack_shows_in_the_rules_that_look_for_it(  # noqa: PLR0917 - a table
    engine, enter, tmp_path, old, new, changed
):
    for name in ("base", "own"):
        (tmp_path / name).mkdir()
    (tmp_path / "own" / "pack.yaml").write_text(LAYERED, encoding="utf-8")
    for at, lists in enumerate((LISTS, LISTS.replace(old, new), LISTS.replace(old, new))):
        (tmp_path / "base" / "lists.yaml").write_text(lists, encoding="utf-8")
        enter(versioned(load(tmp_path / "own"), float(at)))
    after, before = listed(engine)
    assert (after.version != before.version, after.whole) == (True, True)
    assert after.files_changed == ["../base/lists.yaml"]
    assert (after.changed, after.added, after.removed) == (changed, [], [])


def test_guidance_has_versions_of_its_own_in_the_same_chain(engine, enter, put, tmp_path):
    folder = write_small_guidance(tmp_path / "own")

    def put_guidance():
        enter(guidance_versioned(load_guidance(tmp_path / "own"), 1.0))

    def edit(name, old, new):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    for _ in range(2):  # started again: neither is news
        put()
        put_guidance()
    sentence = load_guidance(tmp_path / "own").library["angry"][0]
    edit("empathy.yaml", sentence.zh, sentence.zh + "请说。")
    put_guidance()
    put(word="随便你")
    rules, sentences, guidance, first = listed(engine)
    assert [first.pack, guidance.pack, sentences.pack] == ["test", "own/guidance", "own/guidance"]
    assert (first.first, guidance.first, sentences.first, rules.first) == (1, 1, 0, 0)
    assert sentences.changed == [f"sentence/{sentence.id}"]
    assert sentences.files_changed == ["guidance/empathy.yaml"]
    assert (rules.changed, rules.removed) == (["taboo"], [])
    assert all(version.whole for version in listed(engine))
