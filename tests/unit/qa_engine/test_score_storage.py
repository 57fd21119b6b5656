"""Scores in the store."""

from __future__ import annotations

import pytest

from backbone.store.engine import open_engine, sqlite_url
from qa_engine.events import RunningScore, Score, ScoreItem
from qa_engine.score_storage import PROJECTIONS, scores_of


def item(answer, *, critical=False):
    return ScoreItem(
        section="s",
        item="i",
        title="问候",
        title_en="Greeting",
        answer=answer,
        points=10,
        earned=10.0 * (answer == "yes"),
        critical=critical,
    )


def score(value, *items, at=1.0):
    return Score(
        at=at,
        score_id="s1",
        call_id="c1",
        queue="support",
        agent="PJSIP/1001",
        card="default",
        revision="r1",
        score=value,
        items=items,
    )


def test_the_last_score_of_a_call_stands_and_a_critical_no_fails_it(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    write = PROJECTIONS[Score][0]
    with engine.begin() as connection:
        write(connection, 1, score(90.0, item("yes"), item("no")))
        stored = scores_of(connection, ["c1", "c2"])
        assert list(stored) == ["c1"]
        assert (stored["c1"].score, stored["c1"].failed) == (90.0, False)
        failed = (item("yes"), item("no", critical=True))
        write(connection, 2, score(0.0, *failed, at=2.0))
        stored = scores_of(connection, ["c1"])
    assert (stored["c1"].failed, stored["c1"].items, stored["c1"].at) == (True, failed, 2.0)
    engine.dispose()


def test_no_other_event_is_taken_for_a_score(tmp_path):
    engine = open_engine(sqlite_url(tmp_path / "t.sqlite3"))
    running = RunningScore(at=1.0, call_id="c", card="d", revision="r", score=None, items=())
    with engine.begin() as connection, pytest.raises(TypeError):
        PROJECTIONS[Score][0](connection, 1, running)
    engine.dispose()
