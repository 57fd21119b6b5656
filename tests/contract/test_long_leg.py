"""Two hours of one leg, as fast as it goes: no text out of nothing, no growing memory.

The leg goes through the real voice detection; what that lets through goes to the real model.
"""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from audio_probes import line, probes, read

from asr.leg import LegPipeline, SpeechBegan, SpeechEnded
from asr.recognisers.load import load_recogniser
from asr.settings import AsrSettings, VadSettings

HOURS = 2
RATE = 16_000
FRAME = 2 * RATE * 5  # bytes of five seconds


def hold_music(seconds):
    """Chords with a beat and an envelope, as on hold."""
    t = np.arange(RATE * seconds) / RATE
    chords = [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)]
    beat = np.exp(-3 * (t * 2 % 1))
    music = sum(
        np.sin(2 * np.pi * note * t) * ((t // 2).astype(int) % 4 == number)
        for number, chord in enumerate(chords)
        for note in chord
    )
    return line(0.05 * music * beat)


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.model
@pytest.mark.timeout(600)
def test_two_hours_of_a_leg_invent_nothing_and_keep_memory_flat():
    whisper = load_recogniser(AsrSettings())
    pause = np.zeros(RATE * 2, np.float32)
    speech = np.concatenate([pause, line(read("aishell1-st-5.flac")), pause])
    # Speech once in a while; else what a line carries when nobody speaks.
    quiet = {**probes(8), "hold_music": hold_music(16)}
    minutes = np.concatenate([*quiet.values(), speech])
    pcm = (np.clip(minutes, -1, 1) * 32_767).astype("<i2").tobytes()
    speech_from = len(minutes) - len(speech)
    leg = LegPipeline(RATE, VadSettings(), partial_step_s=0)
    rounds = HOURS * 3600 * RATE // len(minutes)
    at, began, texts, outside, sizes = 0, 0, {}, [], []
    for number in range(rounds):
        for offset in range(0, len(pcm), FRAME):
            frame = pcm[offset : offset + FRAME]
            for output in leg.feed(at, frame):
                began += isinstance(output, SpeechBegan)
                if isinstance(output, SpeechEnded):
                    inside = output.start % len(minutes) >= speech_from
                    key = (inside, round(len(output.audio) / RATE, 1))
                    if key not in texts:  # each sort of segment once to the real model
                        found = whisper.decode(output.audio, languages=["zh"], partial=False)
                        texts[key] = found.text
                    if not inside and texts[key]:
                        outside.append(texts[key])
            at += len(frame) // 2
        if number % 20 == 19:
            gc.collect()
            sizes.append(resident_mb())
    assert at / RATE > 0.99 * HOURS * 3600
    assert began >= rounds  # each time someone spoke
    assert outside == []
    assert any(text for (inside, _), text in texts.items() if inside)
    assert max(sizes) - sizes[0] < 8  # a leg's audio would be 230 MB
