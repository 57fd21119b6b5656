"""Sessions and one-time tokens, on a clock that the tests turn."""

from __future__ import annotations

import pytest

from agent_console.sessions import OneTimeTokens, SessionStore


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_token_is_worth_its_value_once(watch: Watch) -> None:
    tokens = OneTimeTokens[str](30, watch)
    token = tokens.issue("lead")
    assert tokens.redeem(token) == "lead"
    assert tokens.redeem(token) is None


@pytest.mark.parametrize(("passed", "value"), [(29.9, "lead"), (30.0, None), (31.0, None)])
def test_a_token_expires(watch: Watch, passed: float, value: str | None) -> None:
    tokens = OneTimeTokens[str](30, watch)
    token = tokens.issue("lead")
    watch.now += passed
    assert tokens.redeem(token) == value


def test_a_token_nobody_issued_is_worth_nothing(watch: Watch) -> None:
    assert OneTimeTokens[str](30, watch).redeem("guess") is None


def test_unused_tokens_do_not_pile_up(watch: Watch) -> None:
    tokens = OneTimeTokens[int](30, watch)
    for number in range(5000):
        tokens.issue(number)
    assert len(tokens._tokens) <= 2000
    watch.now += 31
    tokens.issue(0)
    assert len(tokens._tokens) == 1


def test_a_session_is_found_by_its_cookie_only(watch: Watch) -> None:
    sessions = SessionStore(60, watch)
    cookie, session = sessions.open("lead", "lead")
    assert sessions.find(cookie) is session
    assert sessions.find(session.id) is None
    assert cookie not in session.id


def test_use_keeps_a_session_and_disuse_ends_it(watch: Watch) -> None:
    sessions = SessionStore(60, watch)
    cookie, _ = sessions.open("lead", "lead")
    for _ in range(3):
        watch.now += 59
        assert sessions.find(cookie)
    watch.now += 61
    assert sessions.find(cookie) is None


def test_a_closed_session_is_gone(watch: Watch) -> None:
    sessions = SessionStore(60, watch)
    cookie, session = sessions.open("lead", "lead")
    sessions.close(session.id)
    assert sessions.find(cookie) is None


def test_sessions_are_bounded_and_the_longest_unused_goes_first(watch: Watch) -> None:
    sessions = SessionStore(1e9, watch)
    first, _ = sessions.open("first", "lead")
    second, _ = sessions.open("second", "lead")
    for _ in range(1998):
        sessions.open("other", "lead")
    assert sessions.find(first)
    sessions.open("one too many", "lead")
    assert sessions.find(first)
    assert sessions.find(second) is None
