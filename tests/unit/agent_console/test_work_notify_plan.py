"""Who is pushed what, when, and what a push says: tables over the pure functions."""

from __future__ import annotations

import re
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_console.work.notify.plan import (
    Notice,
    Person,
    QuietHours,
    Target,
    message,
    plan,
)
from agent_console.work.settings import ChainStep, NotifySettings
from qa_engine.events import SEVERITIES

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
NIGHT = NOON.replace(hour=23)
NIGHTS = QuietHours(time(22), time(7))
ALL = frozenset(SEVERITIES)


def person(name, role="lead", *, severities=ALL, quiet=None, sees=True):
    return Person(name, role, (Target(f"t-{name}", name, frozenset(severities)),), quiet, sees)


def notice(severity="high", kind="taboo_phrase", level=0):
    return Notice("alert", "a-1", kind, severity, "appointment", "PJSIP/1001", level)


def names(people, told, *, at=NOON, **settings):
    return [t.username for t in plan(told, people, NotifySettings(**settings), at).targets]


@pytest.mark.parametrize(
    ("start", "end", "at", "quiet"),
    [
        (time(22), time(7), time(23), True),
        (time(22), time(7), time(0), True),
        (time(22), time(7), time(6, 59, 59), True),
        (time(22), time(7), time(7), False),
        (time(22), time(7), time(12), False),
        (time(12), time(14), time(12), True),
        (time(12), time(14), time(14), False),
        (time(12), time(14), time(11), False),
        (time(8), time(8), time(8), False),
    ],
)
def test_quiet_hours_may_run_over_midnight(start, end, at, quiet):
    assert QuietHours(start, end).hold(at) is quiet


def test_the_first_word_goes_to_those_who_see_the_call_and_want_the_severity():
    people = [
        person("own", severities={"high", "critical"}),
        person("picky", severities={"critical"}),
        person("other-team", sees=False),
    ]
    assert names(people, notice("high")) == ["own"]
    assert names(people, notice("critical")) == ["own", "picky"]
    assert names(people, notice("low")) == []


@pytest.mark.parametrize(
    ("told", "mode", "expected"),
    [
        pytest.param(notice("high"), "through", ["awake"], id="not urgent: kept back"),
        pytest.param(notice("critical"), "through", ["awake", "asleep"], id="urgent: through"),
        pytest.param(notice("high", "red_line"), "through", ["awake", "asleep"], id="red line"),
        pytest.param(notice("critical"), "escalate", ["awake", "boss"], id="urgent: up the chain"),
        pytest.param(notice("high"), "escalate", ["awake"], id="not urgent: nobody is woken"),
    ],
)
def test_quiet_hours_keep_back_what_is_not_urgent(told, mode, expected):
    people = [
        person("awake"),
        person("asleep", quiet=NIGHTS),
        person("boss", "manager", severities=()),
    ]
    chain = (ChainStep(users=("asleep",)), ChainStep(roles=("manager",)))
    assert names(people, told, at=NIGHT, urgent_when_quiet=mode, chain=chain) == expected


def test_what_is_kept_back_is_counted():
    people = [person("a", quiet=NIGHTS), person("b", quiet=NIGHTS)]
    assert plan(notice("high"), people, NotifySettings(), NIGHT).kept_back == 2
    assert plan(notice("high"), people, NotifySettings(), NOON).kept_back == 0


def test_an_urgent_alert_reaches_somebody_even_when_the_whole_chain_sleeps():
    people = [person("a", quiet=NIGHTS), person("boss", "manager", quiet=NIGHTS, severities=())]
    assert names(people, notice("critical"), at=NIGHT, urgent_when_quiet="escalate") == ["a"]


@pytest.mark.parametrize(
    ("level", "expected"), [(1, ["lead"]), (2, ["boss", "named"]), (3, ["boss", "named"])]
)
def test_an_escalation_goes_to_its_level_of_the_chain_whatever_they_chose(level, expected):
    people = [
        person("lead", severities=()),
        person("elsewhere", sees=False),
        person("boss", "manager", severities=()),
        person("named", "admin", sees=False),
    ]
    chain = (ChainStep(roles=("lead",)), ChainStep(roles=("manager",), users=("named",)))
    assert names(people, notice(level=level), chain=chain) == expected


def test_without_a_chain_an_escalation_reaches_nobody():
    assert names([person("lead")], notice(level=1), chain=()) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["lead", "manager"]), st.booleans(), st.booleans()), max_size=6
    ),
    st.sampled_from(SEVERITIES),
    st.sampled_from(["through", "escalate"]),
    st.integers(0, 4),
)
def test_nobody_is_pushed_twice_and_an_urgent_word_is_never_lost(rows, severity, mode, level):
    people = [
        person(f"p{number}", role, quiet=NIGHTS if asleep else None, sees=sees)
        for number, (role, asleep, sees) in enumerate(rows)
    ]
    settings = NotifySettings(urgent_when_quiet=mode)
    by_day = plan(notice(severity, level=level), people, settings, NOON).targets
    by_night = plan(notice(severity, level=level), people, settings, NIGHT).targets
    for targets in (by_day, by_night):
        assert len({target.target_id for target in targets}) == len(targets)
    if severity == "critical":
        assert bool(by_night) == bool(by_day)


def test_a_push_says_id_kind_severity_and_link_and_nothing_else():
    told = message(notice("critical", "red_line"), "https://tz.example")
    assert told.body.splitlines() == [
        "kind: red_line",
        "severity: critical",
        "id: a-1",
        "https://tz.example/watch?alert=a-1",
    ]
    assert told.title == "听诊 告警 alert · 特急 critical"
    assert message(notice("high", level=2), "").body.splitlines()[-1] == "id: a-1"
    assert "appointment" not in told.title + told.body
    assert "1001" not in told.title + told.body


def test_a_browser_has_words_for_every_kind_of_our_own_rules():
    root = Path(__file__).parents[3]
    words = (root / "agent_console/web/src/lib/words/notice.ts").read_text("utf-8")
    rules = "".join(
        path.read_text("utf-8") for path in (root / "qa_engine/packs/hospital-zh").glob("*.yaml")
    )
    kinds = set(re.findall(r"^ +kind: (\w+)$", rules, re.MULTILINE))
    # What was done well alerts nobody.
    alerting = {kind for kind in kinds if not re.search(r"_done$|^emergency_directed", kind)}
    assert len(alerting) > 20
    assert {kind for kind in alerting if f"kind_{kind}:" not in words} == set()
