import wave
from pathlib import Path

import numpy as np
import pytest
from audio_probes import SPEECH

from asr.audio_file import AudioFile, AudioFileError
from asr.events import LegTranscribed, TranscriptFinal
from asr.offline import transcribe_files
from asr.recognisers.scripted import ScriptedRecogniser
from asr.settings import AsrSettings


def write_wav(path: Path, samples, *, rate=8_000, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return path


def test_a_recording_is_read_sample_for_sample(tmp_path):
    samples = np.arange(-12_000, 12_000)
    file = AudioFile(write_wav(tmp_path / "a.wav", samples))
    blocks = list(file)
    assert file.rate == 8_000
    assert {len(block) for block in blocks[:-1]} == {1_600}
    np.testing.assert_array_equal(np.frombuffer(b"".join(blocks), "<i2"), samples)
    assert file.samples == len(samples)


def test_two_channels_become_one(tmp_path):
    stereo = np.stack([np.full(8_000, 1_000), np.full(8_000, 3_000)], axis=1)
    mono = np.frombuffer(
        b"".join(AudioFile(write_wav(tmp_path / "a.wav", stereo, channels=2))), "<i2"
    )
    assert len(mono) == 8_000
    assert 1_500 < abs(mono.mean()) < 3_500


def missing(folder):
    return folder / "no.wav"


def a_folder(folder):
    return folder


def empty(folder):
    (folder / "e.wav").touch()
    return folder / "e.wav"


def a_text(folder):
    (folder / "t.wav").write_text("这不是声音\n" * 50)
    return folder / "t.wav"


def no_samples(folder):
    return write_wav(folder / "n.wav", [])


def too_low(folder):
    return write_wav(folder / "l.wav", np.zeros(100), rate=2_000)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (missing, "no such file"),
        (a_folder, "not a file"),
        (empty, "empty file"),
        (a_text, "not an audio file"),
        (no_samples, "no audio"),
        (too_low, "too low for speech"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, make, complaint):
    path = make(tmp_path)
    with pytest.raises(AudioFileError, match=complaint) as caught:
        AudioFile(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_recorded_call_gives_every_final_of_both_sides_then_ends():
    files = {
        "agent": SPEECH / "aishell1-st-5.flac",
        "customer": SPEECH / "aishell1-st-3.flac",
    }
    recogniser = ScriptedRecogniser(lambda heard: f"{heard.duration_s:.2f}")
    events = [event async for event in transcribe_files(files, AsrSettings(), recogniser)]
    finals = [event for event in events if isinstance(event, TranscriptFinal)]
    assert {final.role for final in finals} == {"agent", "customer"}
    done = {event.role: event.segments for event in events if isinstance(event, LegTranscribed)}
    assert done == {role: sum(f.role == role for f in finals) for role in files}


async def test_one_file_is_the_agents():
    recogniser = ScriptedRecogniser(["你好"])
    path = SPEECH / "aishell1-st-5.flac"
    events = [event async for event in transcribe_files(path, AsrSettings(), recogniser)]
    assert isinstance(events[-1], LegTranscribed)
    assert events[-1].role == "agent"


async def test_a_missing_file_is_told_before_anything_is_played(tmp_path):
    with pytest.raises(AudioFileError, match="no such file"):
        async for _ in transcribe_files(tmp_path / "no.wav", AsrSettings(), ScriptedRecogniser([])):
            pass
