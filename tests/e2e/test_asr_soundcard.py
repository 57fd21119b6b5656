"""`tingzhen listen` on a real sound server without a sound card: PulseAudio's null sink."""

import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from patience import PATIENCE_S

CALLS = Path(__file__).parents[2] / "tingzhen" / "demo" / "calls"
pytestmark = pytest.mark.realtime

TINGZHEN = Path(sys.executable).with_name("tingzhen")
SECONDS = 7
FIRST_WORDS_S = {"agent": 0.5, "customer": 6.2}
"""From where to play each side: just before it first speaks."""


def leg(role):
    with av.open(str(CALLS / f"c02.{role}.flac")) as container:
        frames = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    first = round(8_000 * FIRST_WORDS_S[role])
    return np.concatenate(frames)[first : first + 8_000 * SECONDS].astype("<i2")


@pytest.fixture
def sound_server(tmp_path):
    """A PulseAudio of our own, whose default input hears what is played to its null sink."""
    socket = tmp_path / "native"
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PULSE_RUNTIME_PATH": str(tmp_path),
        "PULSE_STATE_PATH": str(tmp_path),
        "PULSE_SERVER": f"unix:{socket}",
        "PULSE_SOURCE": "desk.monitor",
    }
    # Beside the server's default input, each of two sinks as a card of its own.
    cards = "".join(
        f'pcm.{card} {{ type pulse device "{card}.monitor" hint {{ show on }} }}\n'
        for card in ("headset", "line")
    )
    (tmp_path / ".asoundrc").write_text(
        f"pcm.pulse {{ type pulse }}\nctl.pulse {{ type pulse }}\n{cards}"
    )
    daemon = subprocess.Popen(
        [
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
            "-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1",
            "-L", "module-null-sink sink_name=headset channels=1 rate=16000",
            "-L", "module-null-sink sink_name=line channels=1 rate=16000",
            "-L", "module-null-sink sink_name=desk channels=2 rate=16000",
        ],
        env={key: value for key, value in environment.items() if key != "PULSE_SERVER"},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + PATIENCE_S
    while not socket.exists():
        assert daemon.poll() is None, daemon.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    yield environment
    daemon.terminate()
    daemon.communicate(timeout=PATIENCE_S)


def write_wav(path, samples):
    """Samples of one channel, or rows of two."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.ndim)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(samples.tobytes())
    return path


def listened(environment, devices, played):
    """Listen while recordings are played, each to its sink; what was said, by role."""
    listener = subprocess.Popen(
        [str(TINGZHEN), "listen", *devices, "--seconds", str(SECONDS + 6), "--json"],
        env={**environment, "TINGZHEN_MODELS": models()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    players, complaints = [], []
    try:
        for line in listener.stderr:  # the library's own complaints come first
            complaints.append(line)
            if line.startswith("listening"):
                break
        players = [
            subprocess.Popen(["paplay", f"--device={sink}", str(path)], env=environment)
            for sink, path in played.items()
        ]
        out, errors = listener.communicate(timeout=PATIENCE_S)
        assert [player.wait(timeout=PATIENCE_S) for player in players] == [0] * len(players)
    finally:
        for process in (listener, *players):
            process.kill()
    assert listener.returncode == 0, "".join(complaints) + errors
    finals = [
        line for line in map(json.loads, out.splitlines())
        if line["type"] == "transcript" and line["final"]
    ]  # fmt: skip
    return {
        role: "".join(final["text"] for final in finals if final["role"] == role)
        for role in ("agent", "customer")
    }


def assert_understood(said):
    truth = json.loads((CALLS / "c02.json").read_text(encoding="utf-8"))["utterances"]
    for role, heard in said.items():
        first = next(turn["text"] for turn in truth if turn["role"] == role)
        assert len(set(first) & set(heard)) > len(set(first)) / 2, (role, heard)


@pytest.mark.model
def test_a_headset_and_its_line_are_two_legs(sound_server, tmp_path):
    both = write_wav(tmp_path / "call.wav", np.stack([leg("agent"), leg("customer")], axis=1))
    assert_understood(listened(sound_server, ["--device", "pulse"], {"desk": both}))


@pytest.mark.model
def test_two_devices_are_two_legs(sound_server, tmp_path):
    played = {
        "headset": write_wav(tmp_path / "agent.wav", leg("agent")),
        "line": write_wav(tmp_path / "customer.wav", leg("customer")),
    }
    devices = ["--device", "headset", "--customer-device", "line"]
    assert_understood(listened(sound_server, devices, played))


def test_an_unknown_device_is_told_with_those_there_are(sound_server):
    done = subprocess.run(
        [str(TINGZHEN), "listen", "--device", "no such card"],
        env=sound_server, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no such card" in done.stderr.splitlines()[-1]
    assert "pulse" in done.stderr.splitlines()[-1]


def models():
    from asr.model import models_dir  # noqa: PLC0415 - found before HOME is another's

    return str(models_dir(None))
