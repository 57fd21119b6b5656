"""A pack tried on stored and on scripted calls."""

import shutil

import pytest
from qa_calls import CALLS, connected, dialogue, ended, joined, legs
from sqlalchemy import insert

import telephony.storage
from backbone.errors import UserError
from backbone.events import encode, kind_of
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import journal
from qa_engine.pack import DEFAULT_PACK
from tingzhen.backtest import run_backtest


@pytest.fixture
def store(tmp_path):
    url = sqlite_url(tmp_path / "store.sqlite3")
    engine = open_engine(url)
    finals = dialogue(("agent", "您好，云海医院"), ("customer", "喂"), ("agent", "这个不归我管"))
    with engine.begin() as connection:
        for event in [joined(), connected(), *legs(), *finals, ended(finals[-1].at + 30)]:
            kind = kind_of(type(event))
            connection.execute(
                insert(journal).values(
                    kind=kind, call_id=event.call_id, at=event.at, payload=encode(event)
                )
            )
            for projection in telephony.storage.PROJECTIONS.get(type(event), ()):
                projection(connection, 1, event)
    engine.dispose()
    return url.render_as_string(hide_password=False)


def test_stored_calls_beside_what_was_raised(store):
    report = run_backtest(DEFAULT_PACK, store=store, calls=None, against=None)
    assert (report.calls, report.before) == (1, 0)
    found = {change.rule: [alert.phrase for alert in change.new] for change in report.rules}
    assert found["taboo_shirk"] == ["不归我管"]


def test_a_pack_against_itself_changes_nothing(store, tmp_path):
    scripted = tmp_path / "calls"
    scripted.mkdir()
    shutil.copy(CALLS / "c02.json", scripted)
    for where in ({"store": store, "calls": None}, {"store": None, "calls": scripted}):
        report = run_backtest(DEFAULT_PACK, **where, against=DEFAULT_PACK)
        assert report.before == report.after > 0
        assert all(not change.new and not change.gone for change in report.rules)


def test_what_cannot_be_used_is_told(tmp_path):
    with pytest.raises(UserError, match="no scripted call"):
        run_backtest(DEFAULT_PACK, store=None, calls=tmp_path, against=None)
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json is no scripted call"):
        run_backtest(DEFAULT_PACK, store=None, calls=tmp_path, against=None)
    with pytest.raises(UserError, match="cannot open the store"):
        run_backtest(
            DEFAULT_PACK, store=f"sqlite:///{tmp_path}/no/where.db", calls=None, against=None
        )
