"""Sounds of a telephone line that are no speech, and speech as a line passes it."""

from pathlib import Path

import av
import numpy as np
import soxr

SPEECH = Path(__file__).parent / "data" / "speech"


def line(audio):
    """300–3400 Hz at 16 kHz."""
    spectrum = np.fft.rfft(audio)
    frequency = np.fft.rfftfreq(len(audio), 1 / 16_000)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    return np.fft.irfft(spectrum, len(audio)).astype(np.float32)


def probes(seconds=8):
    t = np.arange(16_000 * seconds) / 16_000
    noise = np.random.default_rng(7)

    def tones(*frequencies):
        return sum(np.sin(2 * np.pi * f * t) for f in frequencies)

    keys = [(697, 1209), (770, 1336), (852, 1477), (941, 1336)]
    dtmf = sum(tones(*key) * ((t * 4).astype(int) % 4 == i) for i, key in enumerate(keys))
    floor = noise.normal(0, 0.0005, len(t))
    return {
        "silence": np.zeros(len(t), np.float32),
        "hiss": line(noise.normal(0, 0.02, len(t))),
        "ringback": line(0.1 * tones(450) * (t % 5 < 1) + floor),
        "ringback_us": line(0.1 * tones(440, 480) * (t % 6 < 2) + floor),
        "dtmf": line(0.1 * dtmf * (t * 4 % 1 < 0.5) + floor),
        "hum": (0.05 * tones(50, 100, 150, 200) + floor).astype(np.float32),
        "chord": line(0.05 * tones(262, 330, 392, 523) + floor),
    }


def read(name):
    with av.open(str(SPEECH / name)) as container:
        mono = av.AudioResampler(format="flt", layout="mono")
        parts = [
            out.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for out in mono.resample(frame)
        ]
        rate = container.streams.audio[0].rate
    return np.asarray(soxr.resample(np.concatenate(parts), rate, 16_000), np.float32)
