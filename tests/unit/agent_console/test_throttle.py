"""The login limit."""

from __future__ import annotations

from agent_console.throttle import Throttle


def test_failures_above_the_limit_must_wait_until_the_oldest_is_forgotten() -> None:
    now = 0.0
    throttle = Throttle(3, 60, lambda: now)
    for at in (0.0, 10.0, 20.0):
        now = at
        assert throttle.attempt("lead") == 0
    now = 30.0
    assert throttle.attempt("lead") == 30
    now = 60.0
    assert throttle.attempt("lead") == 0
    assert throttle.attempt("lead") == 10


def test_keys_do_not_disturb_each_other() -> None:
    throttle = Throttle(1, 60, lambda: 0.0)
    assert throttle.attempt("one") == 0
    assert throttle.attempt("one") > 0
    assert throttle.attempt("other") == 0


def test_success_forgets_failures() -> None:
    throttle = Throttle(2, 60, lambda: 0.0)
    throttle.attempt("lead")
    throttle.attempt("lead")
    throttle.succeeded("lead")
    assert throttle.attempt("lead") == 0


def test_keys_are_bounded() -> None:
    throttle = Throttle(1, 60, lambda: 0.0)
    for number in range(20_000):
        throttle.attempt(str(number))
    assert len(throttle._failures) <= 10_000
