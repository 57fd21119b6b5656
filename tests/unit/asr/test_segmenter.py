import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.segmenter import RATE, Begin, Boundary, End, Pause, Segmenter, State
from asr.settings import VadSettings
from asr.vad import WINDOW

LOUD, QUIET = 0.01, 1e-9


def settings(**changes):
    base = {"min_speech_s": 0.1, "end_silence_s": 0.3, "pre_roll_s": 0.1, "post_roll_s": 0.1}
    base |= {"likely_end_s": 0.15, "early_end_s": 0.0}
    return VadSettings(**{**base, "max_segment_s": 2.0, **changes})


def run(segmenter, windows):
    found = []
    for probability, power in windows:
        found += segmenter.feed(probability, power)
    return found


def speech(n):
    return [(0.9, LOUD)] * n


def silence(n):
    return [(0.05, QUIET)] * n


def test_a_pause_ends_a_segment_and_times_are_those_of_the_speech():
    segmenter = Segmenter(settings())
    found = run(segmenter, silence(10) + speech(20) + silence(15))
    start, end = 10 * WINDOW, 30 * WINDOW
    roll = round(0.1 * RATE)
    assert found == [
        Begin(start, start - roll),
        Pause(start, end, start - roll, end + roll),
        End(start, end, start - roll, end + roll, goes_on=False),
    ]
    assert segmenter.state is State.IDLE


def test_a_click_is_no_segment():
    assert run(Segmenter(settings()), silence(5) + speech(2) + silence(30)) == []


def test_a_loud_enough_probability_below_the_gate_is_silence():
    segmenter = Segmenter(settings(gate_dbfs=-50))
    assert run(segmenter, [(0.99, 10 ** (-51 / 10))] * 40) == []
    assert run(segmenter, [(0.99, 10 ** (-49 / 10))] * 40)


def test_inside_a_segment_the_lower_threshold_holds():
    found = run(Segmenter(settings()), speech(5) + [(0.4, LOUD)] * 20 + silence(15))
    assert [b.end for b in found if isinstance(b, End)] == [25 * WINDOW]


def test_a_long_segment_is_split_at_its_quietest_point():
    windows = speech(45) + [(0.9, LOUD / 50)] * 4 + speech(30)
    found = run(Segmenter(settings()), windows + silence(15))
    ends = [b for b in found if isinstance(b, End)]
    begins = [b for b in found if isinstance(b, Begin)]
    assert [e.goes_on for e in ends] == [True, False]
    assert 45 * WINDOW <= ends[0].end <= 49 * WINDOW
    assert begins[1].start == ends[0].end == begins[1].audio_start


def test_flush_closes_what_is_open_and_a_gap_moves_time_on():
    segmenter = Segmenter(settings())
    run(segmenter, speech(10))
    assert [type(b) for b in segmenter.flush()] == [End]
    segmenter.skip_to(100_000)
    (begin, *_) = run(segmenter, speech(10))
    assert begin == Begin(100_000, 100_000)


def test_time_does_not_run_backwards():
    segmenter = Segmenter(settings())
    run(segmenter, silence(10))
    with pytest.raises(ValueError, match="back in time"):
        segmenter.skip_to(WINDOW)


def test_a_wanted_end_comes_in_the_next_short_pause():
    segmenter = Segmenter(settings(early_end_s=0.1, likely_end_s=0.2))
    run(segmenter, speech(20))
    assert segmenter.end_after(segmenter.position) == []
    found = run(segmenter, speech(2) + silence(3) + speech(20) + silence(15))
    first, second = ends_of(found)
    assert (first.start, first.end, first.goes_on) == (0, 22 * WINDOW, True)
    assert (second.start, second.end, second.goes_on) == (25 * WINDOW, 45 * WINDOW, False)


def test_a_wanted_end_comes_in_the_pause_that_lasts():
    segmenter = Segmenter(settings(early_end_s=0.1, likely_end_s=0.2))
    run(segmenter, speech(20) + silence(5))
    (end,) = segmenter.end_after(20 * WINDOW)
    assert (end.start, end.end, end.goes_on) == (0, 20 * WINDOW, True)
    assert segmenter.state is State.IDLE


def test_a_wanted_end_comes_in_a_pause_that_is_over():
    segmenter = Segmenter(settings())
    run(segmenter, speech(20) + silence(3) + speech(10))
    end, begin = segmenter.end_after(20 * WINDOW)
    assert (end.end, end.goes_on) == (20 * WINDOW, True)
    assert begin.start == 23 * WINDOW


def test_a_wanted_end_is_looked_for_in_what_was_heard_already():
    gap, breath = [(0.9, LOUD / 50)] * 3, [(0.9, LOUD / 2)] * 3
    segmenter = Segmenter(settings())
    run(segmenter, gap + speech(12) + gap + speech(20))
    end, begin = segmenter.end_after(14 * WINDOW)
    assert (end.start, end.end, end.goes_on) == (0, 16 * WINDOW, True)
    assert (begin.start, begin.audio_start) == (end.audio_end, end.audio_end)
    assert [e.end for e in ends_of(run(segmenter, speech(5) + silence(15)))] == [43 * WINDOW]

    # No gap: its quietest point, when enough was heard since.
    segmenter = Segmenter(settings())
    run(segmenter, breath + speech(12) + breath + speech(20))
    assert [e.end for e in ends_of(segmenter.end_after(14 * WINDOW))] == [16 * WINDOW]


def test_a_wanted_end_comes_between_words_and_in_their_middle_only_when_none_is_found():
    segmenter = Segmenter(settings())
    run(segmenter, speech(20))
    assert segmenter.end_after(20 * WINDOW) == []
    found = run(segmenter, speech(5) + [(0.9, LOUD / 50)] * 3 + speech(2))
    assert [e.end for e in ends_of(found)] == [26 * WINDOW]

    segmenter = Segmenter(settings())
    run(segmenter, speech(20))
    segmenter.end_after(20 * WINDOW)
    found = run(segmenter, speech(8) + [(0.9, LOUD / 2)] * 3 + speech(12))
    assert [e.end for e in ends_of(found)] == [29 * WINDOW]
    assert ends_of(found)[0].goes_on


def test_an_end_is_wanted_of_an_open_segment_only():
    segmenter = Segmenter(settings())
    assert segmenter.end_after(100) == []
    run(segmenter, silence(10) + speech(20))
    assert segmenter.end_after(9 * WINDOW) == []
    found = run(segmenter, [(0.9, LOUD / 50)] * 3 + speech(20) + silence(15))
    assert [e.goes_on for e in ends_of(found)] == [False]


window = st.tuples(
    st.one_of(st.floats(0, 1), st.sampled_from([0.02, 0.9])),
    st.sampled_from([QUIET, LOUD / 10, LOUD]),
)
stretch = st.tuples(window, st.integers(1, 40)).map(lambda pair: [pair[0]] * pair[1])
streams = st.lists(st.one_of(stretch, st.lists(window, max_size=5)), max_size=25).map(
    lambda parts: [w for part in parts for w in part]
)


def ends_of(found: list[Boundary]) -> list[End]:
    return [b for b in found if isinstance(b, End)]


wishes = st.dictionaries(st.integers(0, 400), st.integers(-40, 5), max_size=12)
"""Before which window the end is wanted of what is open, and after which, counted from there."""


def run_with_wishes(segmenter, windows, wishes):
    found = []
    for at, (probability, power) in enumerate(windows):
        if at in wishes:
            found += segmenter.end_after(max(0, at + wishes[at]) * WINDOW)
        found += segmenter.feed(probability, power)
    return found


@given(streams, wishes)
def test_segments_are_ordered_apart_and_inside_the_stream(windows, wishes):
    segmenter = Segmenter(settings(early_end_s=0.07))
    found = run_with_wishes(segmenter, windows, wishes) + segmenter.flush()
    found = [b for b in found if not isinstance(b, Pause)]
    assert [type(b) for b in found] == [Begin, End] * (len(found) // 2)
    last_end = last_audio_end = 0
    for begin, end in zip(found[::2], found[1::2], strict=True):
        assert (begin.start, begin.audio_start) == (end.start, end.audio_start)
        assert last_end <= end.start < end.end
        assert last_audio_end <= end.audio_start <= end.start
        assert end.end <= end.audio_end <= len(windows) * WINDOW
        assert end.end - end.start <= 2.0 * RATE + WINDOW
        last_end, last_audio_end = end.end, end.audio_end


@given(streams, wishes)
def test_every_window_of_speech_is_in_exactly_one_segment(windows, wishes):
    segmenter = Segmenter(settings(min_speech_s=0))
    found = run_with_wishes(segmenter, windows, wishes) + segmenter.flush()
    gate = 10 ** (VadSettings().gate_dbfs / 10)
    for index, (probability, power) in enumerate(windows):
        if probability >= 0.5 and power >= gate:
            at = index * WINDOW
            assert sum(e.start <= at < e.end for e in ends_of(found)) == 1


@given(streams, st.integers(1, 300), st.integers(0, 300))
def test_a_wanted_end_does_not_cut_what_is_needed(windows, asked, back):
    segmenter = Segmenter(settings(max_segment_s=20))
    run(segmenter, windows[:asked])
    after = max(0, asked - back) * WINDOW
    found = segmenter.end_after(after) + run(segmenter, windows[asked:])
    for end in (e for e in ends_of(found) if e.goes_on):
        # It was cut behind that, or in a pause with all that was said.
        assert end.audio_end >= after or end.audio_end - end.end >= 0.1 * RATE


@given(streams, st.integers(0, 400), wishes)
def test_audio_that_may_be_asked_for_is_never_said_to_be_unneeded(windows, cut, wishes):
    segmenter = Segmenter(settings())
    needed_from = 0
    for at, window in enumerate(windows[:cut]):
        run_with_wishes(segmenter, [window], {0: at + wishes[at]} if at in wishes else {})
        assert segmenter.audio_needed_from >= needed_from
        needed_from = segmenter.audio_needed_from
    later = run(segmenter, windows[cut:]) + segmenter.flush()
    assert all(b.audio_start >= needed_from for b in later)


@given(streams)
def test_a_pause_says_what_the_end_will_say_unless_speech_goes_on(windows):
    segmenter = Segmenter(settings())
    pause, resumed = None, False
    for probability, power in [*windows, *silence(40)]:
        for boundary in segmenter.feed(probability, power):
            match boundary:
                case Begin():
                    pause = None
                case Pause():
                    assert pause is None or resumed
                    pause, resumed = boundary, False
                case End(goes_on=False):
                    if pause is not None and not resumed:
                        assert (pause.start, pause.end) == (boundary.start, boundary.end)
                        assert pause.audio_start == boundary.audio_start
                        assert pause.audio_end == boundary.audio_end
                    pause = None
        resumed |= segmenter.voiced


@given(streams)
def test_an_early_pause_tells_of_the_same_speech_sooner(windows):
    found = run(Segmenter(settings(early_end_s=0.07)), [*windows, *silence(40)])
    assert [b for b in found if not (isinstance(b, Pause) and b.early)] == run(
        Segmenter(settings()), [*windows, *silence(40)]
    )
    for earlier, before, after in zip([None, *found], found, found[1:], strict=False):
        if isinstance(after, Pause) and not after.early:
            if isinstance(before, Begin):
                # Cut in a silence: the rest has begun when its early pause was over.
                assert isinstance(earlier, End)
                continue
            assert isinstance(before, Pause)
            assert before.early
            assert (before.start, before.end) == (after.start, after.end)
            assert before.audio_end <= after.audio_end


@given(streams)
def test_of_silence_no_more_is_kept_than_may_be_put_before_speech(windows):
    segmenter = Segmenter(settings())
    run(segmenter, [*windows, *silence(60)])
    assert segmenter.state is State.IDLE
    assert segmenter.audio_needed_from == segmenter.position - round(0.1 * RATE)


def test_without_a_likely_end_there_are_no_pauses():
    windows = (speech(10) + silence(6)) * 3 + silence(20)
    found = run(Segmenter(settings(likely_end_s=0)), windows)
    assert [type(b) for b in found] == [Begin, End]
    found = run(Segmenter(settings()), windows)
    assert [type(b) for b in found] == [Begin, Pause, Pause, Pause, End]
