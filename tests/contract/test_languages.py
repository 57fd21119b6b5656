"""Two languages in one call, on the real model."""

import wave

import numpy as np
import pytest
from audio_probes import line, read

from asr.events import TranscriptFinal
from asr.offline import transcribe_files
from asr.recognisers.load import load_recogniser
from asr.settings import AsrSettings

RATE = 16_000


def recording(path, names):
    pause = np.zeros(RATE, np.float32)
    parts = [part for name in names for part in (pause, line(read(name)))]
    audio = np.concatenate([*parts, pause])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


@pytest.mark.model
async def test_each_side_of_a_call_keeps_the_language_it_was_found_to_speak(tmp_path):
    files = {
        "agent": recording(tmp_path / "agent", ["aishell1-st-7.flac", "aishell1-st-8.flac"]),
        "customer": recording(tmp_path / "customer", ["jfk.flac", "jfk.flac"]),
    }
    settings = AsrSettings(language="auto", workers=0)
    asked = []
    whisper = load_recogniser(settings)

    class Listening:
        capabilities = whisper.capabilities

        def decode(self, audio, *, languages, partial, **wishes):
            asked.append(tuple(languages))
            return whisper.decode(audio, languages=languages, partial=partial, **wishes)

    heard = {"agent": [], "customer": []}
    async for event in transcribe_files(files, settings, Listening()):
        if isinstance(event, TranscriptFinal):
            heard[event.role].append(event)
    assert {final.language for final in heard["agent"]} == {"zh"}
    assert {final.language for final in heard["customer"]} == {"en"}
    chinese = [final.text for final in heard["agent"] if not final.unintelligible]
    assert chinese
    assert all("\u4e00" <= text[0] <= "\u9fff" for text in chinese)
    assert all(final.text.isascii() for final in heard["customer"])
    assert any("country" in final.text for final in heard["customer"])
    # Once found it is not looked for again.
    assert ("zh",) in asked
    assert ("en",) in asked
