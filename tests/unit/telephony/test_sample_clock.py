"""Samples beside the time that passes: jitter, stalls, pauses, and ticks that were lost."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.legs.sample_clock import CERTAIN_S, WAITING_S, SampleClock

RATE = 8_000
TICK_S = 0.02
TICK = 160


def numbered(first, count=TICK):
    """Samples that say which they are."""
    return struct.pack(f"<{count}H", *(at % 65_536 for at in range(first, first + count)))


class Heard:
    """What a clock lets on, and where it puts it."""

    def __init__(self, **more):
        self.clock = SampleClock(RATE, 0.0, **more)
        self.pcm = bytearray()
        self.silence = self.lost = 0
        self.placed = {}  # number of a tick's first sample → the second it is put at

    def take(self, pcm, now):
        self._keep(self.clock.take(pcm, now))

    def end(self):
        self._keep(self.clock.rest())

    def _keep(self, timed):
        self.silence += timed.silence
        self.lost += timed.lost
        at = self.silence + self.lost + len(self.pcm) // 2
        for start in range(0, len(timed.pcm) // 2, TICK):
            number = (len(self.pcm) // 2 + start) // TICK
            self.placed[number] = (at + start) / RATE
        self.pcm += timed.pcm


def ticks(heard, count, *, first=0, start_s=0.0):
    """`count` frames in time, each one heard at its end."""
    for at in range(count):
        heard.take(numbered((first + at) * TICK), start_s + (at + 1) * TICK_S)


def test_audio_in_time_goes_on_at_once():
    heard = Heard()
    ticks(heard, 500)
    assert heard.pcm == numbered(0, 500 * TICK)
    assert (heard.silence, heard.lost) == (0, 0)


@given(st.lists(st.floats(0, WAITING_S - 0.01), min_size=1, max_size=200))
def test_jitter_changes_nothing(delays):
    heard = Heard()
    now = 0.0
    for at, delay in enumerate(delays):
        now = max(now, (at + 1) * TICK_S + delay)
        heard.take(numbered(at * TICK), now)
        assert len(heard.pcm) == (at + 1) * TICK * 2
    assert (heard.silence, heard.lost) == (0, 0)


@given(st.floats(0.1, 8), st.integers(1, 40), st.sampled_from([0.0, 0.0005, 0.01]))
@settings(max_examples=40)
def test_burst_after_a_stall_of_ours_changes_nothing(stall_s, at_once, between_s):
    heard = Heard()
    ticks(heard, 50)
    now = 1.0 + stall_s
    read = 50
    while read < int(now / TICK_S):  # all that was spoken until now waits to be read
        up_to = min(read + at_once, int(now / TICK_S))
        heard.take(numbered(read * TICK, (up_to - read) * TICK), now)
        read = up_to
        now += between_s
    ticks(heard, 50, first=read, start_s=read * TICK_S)
    assert (heard.silence, heard.lost) == (0, 0)
    assert heard.pcm == numbered(0, (read + 50) * TICK)


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("pause_s", [0.7, 3.0, 600.0])
def test_party_that_sends_nothing_for_a_while_is_silent_for_so_long(pause_s, silent):
    heard = Heard(silent=silent)
    ticks(heard, 50)
    ticks(heard, 50, first=50, start_s=1.0 + pause_s)
    assert heard.silence == pytest.approx(pause_s * RATE, abs=1)
    assert heard.lost == 0
    assert heard.pcm == numbered(0, 100 * TICK)
    assert heard.placed[50] == pytest.approx(1.0 + pause_s, abs=0.001)


def test_short_pauses_are_filled_where_the_sender_stops_with_its_party():
    short, silent = Heard(), Heard(silent=True)
    for heard in (short, silent):
        ticks(heard, 50)
        ticks(heard, 50, first=50, start_s=1.3)
    assert (silent.silence, silent.lost) == (pytest.approx(0.3 * RATE, abs=1), 0)
    assert (short.silence, short.lost) == (0, 0)  # it may be Asterisk that is late


def test_word_before_the_end_is_put_in_time():
    heard = Heard()
    ticks(heard, 50)
    ticks(heard, 3, first=50, start_s=6.0)
    assert len(heard.pcm) == 50 * TICK * 2  # a burst may follow still
    heard.end()
    assert heard.placed[50] == pytest.approx(6.0, abs=0.001)
    heard.end()
    assert heard.pcm == numbered(0, 53 * TICK)


def test_lost_ticks_are_lost_audio():
    # As it was seen on a machine with too much to do: 2 s were missing after 48.
    heard = Heard()
    number = 0
    for at in range(2_400):
        if at % 24 == 11:
            continue
        heard.take(numbered(number * TICK), (at + 1) * TICK_S)
        number += 1
    heard.end()
    assert heard.silence == 0
    assert heard.lost / RATE == pytest.approx(2.0, abs=WAITING_S + 0.01)
    assert heard.lost / RATE >= 2.0 - WAITING_S - 0.01


@given(st.lists(st.booleans(), min_size=1, max_size=1_000), st.floats(0, 1_000_000))
@settings(max_examples=40)
def test_time_is_never_off_by_more_than_what_may_wait(lost, began):
    heard = Heard()
    heard.clock = SampleClock(RATE, began)
    number, spoken = 0, {}
    for at, gone in enumerate(lost):
        if not gone:
            spoken[number] = at * TICK_S
            heard.take(numbered(number * TICK), began + (at + 1) * TICK_S)
            number += 1
    heard.end()
    assert heard.pcm == numbered(0, number * TICK)
    for tick, at_s in spoken.items():
        # While one waits to be certain, more ticks may go.
        assert at_s - WAITING_S - CERTAIN_S - 0.03 <= heard.placed[tick] <= at_s + 0.001


@given(
    st.lists(
        st.tuples(st.integers(1, 800), st.floats(0, 5)),
        max_size=100,
    ),
    st.booleans(),
)
def test_nothing_that_came_is_dropped_or_turned(arrivals, silent):
    heard = Heard(silent=silent)
    now, at = 0.0, 0
    for count, wait in arrivals:
        now += wait
        heard.take(numbered(at, count), now)
        at += count
    heard.end()
    assert heard.pcm == numbered(0, at)
    assert heard.silence >= 0
    assert heard.lost >= 0
