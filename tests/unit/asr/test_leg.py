import numpy as np
import pytest
from audio_probes import line, probes, read
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.audio_buffer import AudioBuffer
from asr.leg import AudioLost, LegPipeline, SpeechBegan, SpeechEnded, SpeechSoFar, level_dbfs
from asr.settings import VadSettings

PAUSE = np.zeros(24_000, np.float32)
TALK = np.concatenate(
    [PAUSE, line(read("aishell1-st-5.flac")), PAUSE, line(read("aishell1-st-3.flac")), PAUSE]
)


def pcm(audio):
    return (audio * 32_767).astype("<i2").tobytes()


PCM = pcm(TALK)


def run(cuts=(), *, data=PCM, partial_step_s=1.0):
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=partial_step_s)
    out, at = [], 0
    for cut in (*cuts, len(data) // 2):
        out += leg.feed(at, data[2 * at : 2 * (at + cut)])
        at = leg.expected
    return out + leg.close()


def spans(out):
    return [(o.start, o.end) for o in out if isinstance(o, SpeechEnded)]


def test_two_utterances_are_two_segments_with_partials_on_the_way():
    out = run()
    assert len(spans(out)) == 2
    kinds = [type(o) for o in out]
    assert kinds[0] is SpeechBegan
    assert kinds.count(SpeechSoFar) >= 4
    for partial in (o for o in out if isinstance(o, SpeechSoFar)):
        assert any(start == partial.start and partial.end <= end for start, end in spans(out))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 20_000), max_size=30))
def test_any_cutting_into_frames_gives_the_same(cuts):
    whole, cut = run(), run(cuts)
    assert [type(o) for o in cut] == [type(o) for o in whole]
    assert spans(cut) == spans(whole)
    for one, other in zip(whole, cut, strict=True):
        if isinstance(one, SpeechEnded):
            np.testing.assert_array_equal(one.audio, other.audio)


def test_the_audio_of_a_segment_is_what_was_said_then():
    (first, second) = [o for o in run() if isinstance(o, SpeechEnded)]
    for segment in (first, second):
        heard = segment.audio
        at = segment.start - round(0.4 * 16_000)
        np.testing.assert_allclose(heard, TALK[at : at + len(heard)], atol=1e-4)


def cut_after(samples, *, context=True, pause_s=0.0, asked=0):
    """TALK with its first segment's end wanted after so many samples, and a pause there.

    It is asked for when so many more were heard.
    """
    talk = np.concatenate(
        [TALK[:samples], np.zeros(round(pause_s * 16_000), np.float32), TALK[samples:]]
    )
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=0.3, context=context)
    now = samples + asked
    out = leg.feed(0, pcm(talk[:now])) + leg.end_after(samples)
    return talk, out + leg.feed(now, pcm(talk[now:])) + leg.close()


@pytest.mark.parametrize("asked", [0, 8_000, 13_000])
def test_the_rest_of_a_cut_sentence_comes_with_its_beginning(asked):
    (whole, last) = spans(run())
    middle = whole[0] + 16_000
    talk, out = cut_after(middle, asked=asked)
    first, rest, other = (o for o in out if isinstance(o, SpeechEnded))
    assert (first.start, rest.end) == whole
    assert middle - 16_000 < first.end <= rest.start < middle + 16_000
    assert rest.audio_start == first.audio_start
    own = rest.audio_start + rest.lead
    assert own <= rest.start
    np.testing.assert_allclose(
        rest.audio, talk[rest.audio_start : rest.audio_start + len(rest.audio)], atol=1e-4
    )
    partials = [o for o in out if isinstance(o, SpeechSoFar)]
    assert {o.lead for o in partials if o.start == rest.start} == {rest.lead}
    assert (first.lead, other.lead) == (0, 0)
    # And the beginning comes with what was heard of the rest; what is each one's own is apart.
    assert (rest.tail, other.tail) == (None, None)
    assert first.audio_start + first.tail <= own
    np.testing.assert_allclose(
        first.audio, talk[first.audio_start : first.audio_start + len(first.audio)], atol=1e-4
    )
    assert first.tail < len(first.audio) <= first.tail + 2 * 16_000
    assert (other.start, other.end) == last


def test_what_follows_much_later_stands_alone():
    middle = sum(spans(run())[0]) // 2
    _, out = cut_after(middle, pause_s=2.0)
    assert [o.lead for o in out if isinstance(o, SpeechEnded)] == [0, 0, 0]
    _, out = cut_after(middle, context=False)
    assert [(o.lead, o.tail) for o in out if isinstance(o, SpeechEnded)] == [(0, None)] * 3


@pytest.mark.parametrize("sound", sorted(probes()))
def test_a_line_without_speech_has_no_segments(sound):
    assert run(data=pcm(probes()[sound])) == []


def test_a_gap_closes_the_segment_and_times_stay_right():
    (whole, later) = spans(run())
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=0)
    middle = (whole[0] + whole[1]) // 2
    resume = middle + 8_000
    out = leg.feed(0, PCM[: 2 * middle]) + leg.feed(resume, PCM[2 * resume :]) + leg.close()
    (lost,) = [o for o in out if isinstance(o, AudioLost)]
    assert (lost.start, lost.end) == (middle, resume)
    found = spans(out)
    assert found[0][0] == whole[0]
    assert found[0][1] <= middle
    assert all(start >= resume for start, _ in found[1:])
    assert abs(found[-1][1] - later[1]) <= 2 * 512


def test_a_lost_packet_inside_speech_does_not_cut_it():
    (whole, later) = spans(run())
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=0)
    middle = (whole[0] + whole[1]) // 2
    out = leg.feed(0, PCM[: 2 * middle]) + leg.feed(middle + 320, PCM[2 * (middle + 320) :])
    out += leg.close()
    assert len(spans(out)) == 2
    assert [o for o in out if isinstance(o, AudioLost)] == [AudioLost(middle, middle + 320)]
    assert abs(spans(out)[1][1] - later[1]) <= 2 * 512


def test_what_comes_twice_is_heard_once():
    leg = LegPipeline(16_000, VadSettings(), partial_step_s=1.0)
    out = leg.feed(0, PCM[:200_000])
    out += leg.feed(50_000, PCM[100_000:200_000])
    out += leg.feed(90_000, PCM[180_000:])
    assert spans(out + leg.close()) == spans(run())


@given(st.lists(st.one_of(st.integers(0, 40_000), st.tuples(st.integers(0, 60_000))), max_size=30))
def test_the_buffer_hands_out_what_was_put_in(steps):
    buffer, everything, kept = AudioBuffer(), np.zeros(0, np.float32), 0
    for step in steps:
        if isinstance(step, int):
            more = np.arange(len(everything), len(everything) + step, dtype=np.float32)
            buffer.append(more)
            everything = np.concatenate([everything, more])
        else:
            kept = max(kept, min(step[0], len(everything)))
            buffer.forget_before(kept)
        assert buffer.end == len(everything)
        np.testing.assert_array_equal(buffer.cut(kept, len(everything)), everything[kept:])


def test_loudness_is_told_below_full_scale_and_silence_as_the_floor():
    assert level_dbfs(np.full(100, 0.1, np.float32)) == pytest.approx(-20)
    assert level_dbfs(np.zeros(100, np.float32)) == -120


@pytest.mark.parametrize("sound", ["hum", "chord", "ringback", "hiss"])
def test_who_speaks_after_a_sound_is_heard(sound):
    # The detector's state, kept over the sound, made it deaf for whoever spoke next.
    before = probes()[sound]
    found = spans(run(data=pcm(np.concatenate([before, TALK]))))
    assert len(found) == 2
    for (start, end), (alone_start, alone_end) in zip(found, spans(run()), strict=True):
        assert abs(start - len(before) - alone_start) < 16_000
        assert abs(end - len(before) - alone_end) < 16_000
