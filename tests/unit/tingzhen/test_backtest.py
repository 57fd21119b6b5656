"""A pack tried on stored and on scripted calls."""

import shutil

import msgspec
import pytest
from qa_calls import ANSWERED, CALL, CALLS, connected, dialogue, ended, joined, legs
from sqlalchemy import insert

import qa_engine.storage
import telephony.storage
from backbone.errors import UserError
from backbone.events import encode, kind_of
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import journal
from qa_engine.events import AlertFeedback, Evidence, RuleMuted
from tingzhen import backtest
from tingzhen.backtest import run_backtest

PACK = """\
pack: small
version: "1"
lists:
  shirk: {about: 推诿, words: [不归我管]}
  visit: {about: 就诊, words: [挂号, 医生, 医院]}
rules:
  - {id: taboo_shirk, type: words, kind: taboo_phrase, severity: high, role: agent,
     lists: [shirk], title: 推诿, title_en: Not my job}
  - {id: visit, type: words, kind: taboo_phrase, severity: low, role: either,
     lists: [visit], title: 就诊, title_en: Visit}
"""


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return folder


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


def test_stored_calls_beside_what_was_raised(pack, store):
    report = run_backtest(pack, store=store, calls=None, against=None)
    assert (report.calls, report.before) == (1, 0)
    found = {change.rule: [alert.phrase for alert in change.new] for change in report.rules}
    assert found["taboo_shirk"] == ["不归我管"]


@pytest.mark.parametrize(
    ("seniority", "muted", "found"),
    [("new", "other", 1), ("new", "taboo_shirk", 0), ("senior", "other", 0)],
)
def test_what_the_agent_is_and_what_was_muted_counts_as_it_did_live(
    pack, store, seniority, muted, found
):
    rules = PACK.replace("title: 推诿,", "title: 推诿, only: {seniority: [new]},")
    (pack / "pack.yaml").write_text(rules, encoding="utf-8")
    silenced = RuleMuted(at=ANSWERED + 0.5, call_id=CALL, rule=muted, by="lead")
    engine = open_engine(store)
    row = {"kind": kind_of(RuleMuted), "call_id": CALL, "at": silenced.at}
    with engine.begin() as connection:
        connection.execute(insert(journal).values(payload=encode(silenced), **row))
    engine.dispose()
    report = run_backtest(
        pack, store=store, calls=None, against=None, seniority={"PJSIP/1001": seniority}
    )
    assert sum(change.after for change in report.rules if change.rule == "taboo_shirk") == found


def test_what_people_said_of_alerts_gives_precision_before_and_after(pack, store):
    raised = run_backtest(pack, store=store, calls=None, against=None).rules
    (alert,) = next(change.new for change in raised if change.rule == "taboo_shirk")
    wrong = msgspec.structs.replace(
        alert, alert_id="a2", evidence=Evidence(segment_id="other", text="好的", span=(0, 2))
    )
    engine = open_engine(store)
    events = [
        alert,
        wrong,
        AlertFeedback(at=1.0, alert_id=alert.alert_id, call_id=CALL, by="lead", verdict="correct"),
        AlertFeedback(at=2.0, alert_id="a2", call_id=CALL, by="lead", verdict="false_alarm"),
    ]
    with engine.begin() as connection:
        for event in events:
            row = {"kind": kind_of(type(event)), "call_id": event.call_id, "at": event.at}
            added = connection.execute(insert(journal).values(payload=encode(event), **row))
            for projection in qa_engine.storage.PROJECTIONS[type(event)]:
                projection(connection, added.inserted_primary_key[0], event)
    engine.dispose()
    (judged,) = run_backtest(pack, store=store, calls=None, against=None).judged
    assert (judged.correct, judged.correct_kept) == (1, 1)
    assert (judged.false_alarm, judged.false_alarm_kept) == (1, 0)
    assert (judged.precision_before, judged.precision_after) == (0.5, 1.0)


def test_a_pack_against_itself_changes_nothing(pack, store, tmp_path):
    scripted = tmp_path / "calls"
    scripted.mkdir()
    shutil.copy(CALLS / "c02.json", scripted)
    for where in ({"store": store, "calls": None}, {"store": None, "calls": scripted}):
        report = run_backtest(pack, **where, against=pack)
        assert report.before == report.after > 0
        assert all(not change.new and not change.gone for change in report.rules)


@pytest.fixture
def judged(monkeypatch):
    """The calls that are judged, in turn; one may be made to end the run."""
    judged = []
    whole = backtest.judge_events

    def judge_events(pack, call_id, *rest):
        if judged.count("stop") and call_id == "c03":
            raise KeyboardInterrupt
        judged.append(call_id)
        return whole(pack, call_id, *rest)

    monkeypatch.setattr(backtest, "judge_events", judge_events)
    return judged


@pytest.fixture
def scripted(tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    for name in ("c01", "c02", "c03"):
        shutil.copy(CALLS / f"{name}.json", folder)
    return {"store": None, "calls": folder, "against": None}


def test_a_run_that_was_stopped_is_gone_on_with(pack, scripted, judged, tmp_path):
    told = []
    whole = run_backtest(pack, **scripted, progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    keep = tmp_path / "kept"
    judged[:] = ["stop"]
    with pytest.raises(KeyboardInterrupt):
        run_backtest(pack, **scripted, keep=keep)
    assert judged == ["stop", "c01", "c02"]
    with keep.open("ab") as file:
        file.write(b'{"call_id": "c0')  # stopped while it wrote
    judged.clear()
    assert run_backtest(pack, **scripted, keep=keep) == whole
    assert judged == ["c03"]
    judged.clear()
    assert run_backtest(pack, **scripted, keep=keep) == whole
    assert judged == []
    assert keep.stat().st_mode & 0o077 == 0


def test_what_was_judged_by_other_rules_is_not_gone_on_with(pack, scripted, tmp_path):
    keep = tmp_path / "kept"
    run_backtest(pack, **scripted, keep=keep)
    edited = tmp_path / "edited"
    edited.mkdir()
    (edited / "pack.yaml").write_text("pack: edited\ninclude: [../pack]\n", encoding="utf-8")
    with pytest.raises(UserError, match="other rules"):
        run_backtest(edited, **scripted, keep=keep)
    with pytest.raises(UserError, match="other rules"):
        run_backtest(pack, **{**scripted, "against": pack}, keep=keep)
    keep.write_text("pack: x\n", encoding="utf-8")
    with pytest.raises(UserError, match="no file of a backtest"):
        run_backtest(pack, **scripted, keep=keep)
    with pytest.raises(UserError, match="cannot write"):
        run_backtest(pack, **scripted, keep=tmp_path / "no" / "where")


def test_what_cannot_be_used_is_told(pack, tmp_path):
    with pytest.raises(UserError, match="no scripted call"):
        run_backtest(pack, store=None, calls=tmp_path, against=None)
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json is no scripted call"):
        run_backtest(pack, store=None, calls=tmp_path, against=None)
    with pytest.raises(UserError, match="cannot open the store"):
        run_backtest(pack, store=f"sqlite:///{tmp_path}/no/where.db", calls=None, against=None)
