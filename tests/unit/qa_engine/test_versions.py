"""Which rules were in force when, in a chain that shows every edit."""

import pytest
from sqlalchemy import text

from backbone.store.engine import open_engine
from qa_engine.pack import load
from qa_engine.versions import PROJECTIONS, versioned, versions

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
def put(engine, tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    times = iter(range(100, 200))

    def put(word="不归我管", rule="taboo", severity="high"):
        text = PACK.format(word=word, rule=rule, severity=severity)
        (folder / "pack.yaml").write_text(text, encoding="utf-8")
        event = versioned(load(folder), float(next(times)))
        with engine.begin() as connection:
            for projection in PROJECTIONS[type(event)]:
                projection(connection, 1, event)

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
    assert (word.files_changed, word.changed, word.added) == (["pack.yaml"], [], [])
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
