from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.first_contact import Contact, FirstContact, first_contact_resolution

DAY = 86_400.0
NOW = 100 * DAY


def call(caller, days_ago, *, answered=True, channel=None):
    at = NOW - days_ago * DAY
    return Contact(caller, at, answered, channel or f"{caller}-{days_ago}")


def resolve(*contacts, window=1.0, period=7.0, ignored=()):
    return first_contact_resolution(
        contacts, window_s=window * DAY, now=NOW, period_s=period * DAY, ignored=ignored
    )


@pytest.mark.parametrize(
    ("contacts", "matured", "provisional"),
    [
        pytest.param([], (0, 0), (0, 0), id="no calls"),
        pytest.param([call("1", 3)], (1, 0), (1, 0), id="never again"),
        pytest.param([call("1", 3), call("1", 2.5)], (2, 1), (2, 1), id="again within the window"),
        pytest.param([call("1", 3), call("1", 2)], (2, 1), (2, 1), id="again at its very end"),
        pytest.param([call("1", 4), call("1", 2)], (2, 0), (2, 0), id="again after the window"),
        pytest.param([call("1", 0.5)], (0, 0), (1, 0), id="too young to be final"),
        pytest.param(
            [call("1", 0.5), call("1", 0.2)], (0, 0), (2, 1), id="young, and back already"
        ),
        pytest.param([call("1", 7.5)], (1, 0), (0, 0), id="matured period reaches further back"),
        pytest.param([call("1", 9)], (0, 0), (0, 0), id="before both periods"),
        pytest.param(
            [call("1", 3), call("1", 2.5, answered=False)],
            (1, 1),
            (1, 1),
            id="an unanswered return is a return",
        ),
        pytest.param(
            [call("1", 3, answered=False), call("1", 2.5)],
            (1, 0),
            (1, 0),
            id="an unanswered call is not judged",
        ),
        pytest.param(
            [call("1", 3, channel="x"), call("1", 2.99, channel="x")],
            (2, 0),
            (2, 0),
            id="transferred back into a queue is no second call",
        ),
        pytest.param(
            [call("1", 3, channel="x"), call("1", 2.99, channel="x"), call("1", 2.9)],
            (3, 2),
            (3, 2),
            id="a return is found behind the transfer",
        ),
        pytest.param([call("", 3), call("", 2.9)], (0, 0), (0, 0), id="withheld"),
        pytest.param([call("Anonymous", 3)], (0, 0), (0, 0), id="withheld, in words"),
        pytest.param([call("1", 3), call("2", 2.9)], (2, 0), (2, 0), id="somebody else"),
    ],
)
def test_who_called_again(contacts, matured, provisional):
    result = resolve(*contacts)
    assert result.matured == FirstContact(*matured)
    assert result.provisional == FirstContact(*provisional)


def test_the_ratio_is_the_share_that_did_not_return():
    assert resolve(call("1", 3), call("1", 2.5)).matured.ratio == 0.5
    assert resolve().matured.ratio is None


def test_a_shared_number_is_left_out():
    assert resolve(call("800", 3), call("800", 2.9), ignored={"800"}).matured.answered == 0


contacts = st.lists(
    st.builds(
        Contact,
        st.sampled_from(["1", "2", "3", "", "anonymous"]),
        st.floats(NOW - 20 * DAY, NOW + DAY),
        st.booleans(),
        st.sampled_from(["a", "b", "c", "d"]),
    ),
    max_size=30,
)


@given(contacts, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_repeats_are_among_the_answered(visits, random):
    shuffled = list(visits)
    random.shuffle(shuffled)
    result = resolve(*visits)
    assert result == resolve(*shuffled)
    for value in (result.matured, result.provisional):
        assert 0 <= value.repeated <= value.answered


@given(contacts)
def test_a_wider_window_never_finds_fewer_returns_of_the_same_calls(visits):
    narrow = resolve(*visits, window=1).provisional
    wide = resolve(*visits, window=3).provisional
    assert wide.answered == narrow.answered
    assert wide.repeated >= narrow.repeated


@given(contacts)
def test_it_equals_the_definition_read_literally(visits):
    window, period = 2 * DAY, 7 * DAY
    known = [c for c in visits if c.at <= NOW and c.caller in {"1", "2", "3"}]
    judged = [c for c in known if c.answered and NOW - window - period <= c.at <= NOW - window]
    repeated = [
        c
        for c in judged
        if any(
            other.caller == c.caller
            and other.channel != c.channel
            and (other.at, other.channel) > (c.at, c.channel)
            and other.at - c.at <= window
            for other in known
        )
    ]
    assert resolve(*visits, window=2).matured == FirstContact(len(judged), len(repeated))
