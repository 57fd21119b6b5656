"""One leg's audio: sends on an absolute schedule, records what is heard and when."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING

import av
import msgspec
import numpy as np

from tingzhen.lab.sip import codec, rtp
from tingzhen.lab.sip.sdp import NARROW_RATE, Media
from tingzhen.lab.sip.udp import UdpSocket

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SAMPLE_RATE = NARROW_RATE
MAX_HEARD = 90_000
"""Packets kept of what a leg heard: 30 minutes. The oldest go first; `heard_packets` counts all."""
KEY_PACKETS = 8
"""A key is held for 8 packets, 160 ms, and its end is said three times (RFC 4733 section 2.5)."""
KEY_PAUSE_PACKETS = 6


class Heard(msgspec.Struct, frozen=True):
    """A packet as it came.

    Attributes:
        at: Arrival, epoch seconds.
        sequence: RTP sequence number.
        timestamp: RTP time in samples.
        payload: Its bytes.
        payload_type: Which G.711, or the number of L16.
    """

    at: float
    sequence: int
    timestamp: int
    payload: bytes
    payload_type: int


def read_audio(path: Path, rate: int = SAMPLE_RATE) -> NDArray[np.int16]:
    """Return an audio file's samples at a rate, mixed to mono, shape (n,).

    A file of that rate, mono, 16 bit is taken over sample by sample.

    Raises:
        ValueError: It holds no audio that can be read.
        OSError: It cannot be opened.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise ValueError(f"{path} holds no audio")
            frames = [
                part for frame in container.decode(audio=0) for part in resampler.resample(frame)
            ]
            frames += resampler.resample(None)
    except av.FFmpegError as error:
        raise ValueError(f"{path} is no audio file: {error.strerror}") from error
    parts = [frame.to_ndarray().reshape(-1) for frame in frames]
    return np.concatenate(parts).astype(np.int16) if parts else np.zeros(0, np.int16)


def tone(
    frequency: float, seconds: float, level: int = 6_000, rate: int = SAMPLE_RATE
) -> NDArray[np.int16]:
    """Return a sine tone, by default at 8 kHz, shape (n,)."""
    times = np.arange(int(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * times)).astype(np.int16)


class MediaStream:
    """The RTP side of one leg.

    Sends a packet every 20 ms from `start` on: the audio given to `play`, silence otherwise.
    The schedule is absolute, so a late loop catches up and never drifts.
    """

    def __init__(self, host: str, *, silent: bool = False) -> None:
        """Bind an unused port.

        Args:
            host: Our address.
            silent: Send no packets at all, for load without audio.
        """
        self._loop = asyncio.get_running_loop()
        self._udp = UdpSocket(self._received, host)
        self._silent = silent
        self.remote: Media | None = None
        """The other side's stream."""
        self.sending = True
        """Whether the other side is sent audio: not while it is on hold."""
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self._slot = 0
        self._sequence = secrets.randbelow(1 << 15)
        self._ssrc = secrets.randbits(32)
        self._audio: NDArray[np.int16] = np.zeros(0, np.int16)
        self._position = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._keys: deque[str] = deque()
        self._key_slot = 0
        self._key_time = 0
        self.play_started_at: float | None = None
        """When the first packet of the audio left, epoch seconds."""
        self.played = asyncio.Event()
        """Set when the audio given to `play` has been sent whole."""
        self.keys_sent = 0
        self.sent_packets = 0
        self.heard_packets = 0
        self.heard: deque[Heard] = deque(maxlen=MAX_HEARD)

    @property
    def host(self) -> str:
        """Our address."""
        return self._udp.host

    @property
    def port(self) -> int:
        """Our RTP port."""
        return self._udp.port

    def connect(self, remote: Media, *, sending: bool) -> None:
        """Send to a stream from now on (again after a re-INVITE)."""
        self.remote = remote
        self.sending = sending and remote.receives
        if self._timer is None and not self._silent:
            self._began = self._loop.time()
            self._tick()

    def play(self, samples: NDArray[np.int16]) -> None:
        """Send these samples (at the stream's rate, shape (n,)) from the next packet on."""
        self._audio = samples
        self._position = 0
        self.play_started_at = None
        self.played.clear()
        if self._silent or not len(samples):
            self.played.set()

    def press(self, digits: str) -> None:
        """Press keys one after another.

        Raises:
            ValueError: There is no such key.
        """
        for digit in digits:
            rtp.dtmf_payload(digit, end=False, duration=0)
        self._keys.extend(digits)

    def close(self) -> None:
        """Stop sending and receiving. Safe to call again."""
        if self._timer is not None:
            self._timer.cancel()
        self._udp.close()

    async def heard_beyond(self, packets: int) -> None:
        """Wait until so many packets have been heard."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        entry = (packets, waiter)
        self._waiters.append(entry)
        try:
            if self.heard_packets < packets:
                await waiter
        finally:
            self._waiters.remove(entry)

    def largest_gap(self, since: float = 0.0, until: float = float("inf")) -> float:
        """Return the longest time without a packet between two instants, in seconds.

        Args:
            since: Epoch seconds.
            until: Epoch seconds.
        """
        times = [packet.at for packet in self.heard if since <= packet.at <= until]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)

    def heard_samples(self, since: float = 0.0) -> NDArray[np.int16]:
        """Return what was heard in order of arrival, shape (n,), gaps not filled."""
        parts = [
            codec.decode(packet.payload, packet.payload_type)
            for packet in self.heard
            if packet.at >= since
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _received(self, data: bytes, _sender: tuple[str, int], arrival: float) -> None:
        packet = rtp.unpack(data)
        if packet is None or not codec.understood(packet.payload_type, self.remote):
            return
        self.heard_packets += 1
        for wanted, waiter in self._waiters:
            if self.heard_packets >= wanted and not waiter.done():
                waiter.set_result(None)
        self.heard.append(
            Heard(arrival, packet.sequence, packet.timestamp, packet.payload, packet.payload_type)
        )

    def _tick(self) -> None:
        now = self._loop.time()
        while self._began + self._slot * rtp.FRAME_SECONDS <= now:
            self._send_slot()
            self._slot += 1
        self._timer = self._loop.call_at(self._began + self._slot * rtp.FRAME_SECONDS, self._tick)

    def _send_slot(self) -> None:
        remote = self.remote
        if remote is None:
            return
        if self._keys and remote.events is not None:
            self._send_key(remote, remote.events)
            return
        frame = self._next_frame(remote)
        if self.sending:
            self._send(remote, remote.payload, self._slot * codec.frame_samples(remote), frame)

    def _next_frame(self, remote: Media) -> bytes:
        chunk = self._audio[self._position : self._position + codec.frame_samples(remote)]
        if not len(chunk):
            return codec.encode(chunk, remote)
        if self._position == 0:
            self.play_started_at = time.time()
        self._position += len(chunk)
        if self._position >= len(self._audio):
            self.played.set()
        return codec.encode(chunk, remote)

    def _send_key(self, remote: Media, payload_type: int) -> None:
        """Send one slot of a key press: on, on, …, off said three times, pause."""
        if self._key_slot == 0:
            self._key_time = self._slot * rtp.FRAME_SAMPLES
        if self._key_slot < KEY_PACKETS:
            end = self._key_slot == KEY_PACKETS - 1
            body = rtp.dtmf_payload(
                self._keys[0], end=end, duration=(self._key_slot + 1) * rtp.FRAME_SAMPLES
            )
            for _ in range(3 if end else 1):
                self._send(remote, payload_type, self._key_time, body, marker=self._key_slot == 0)
        self._key_slot += 1
        if self._key_slot == KEY_PACKETS + KEY_PAUSE_PACKETS:
            self._keys.popleft()
            self.keys_sent += 1
            self._key_slot = 0

    def _send(
        self, remote: Media, payload_type: int, timestamp: int, body: bytes, *, marker: bool = False
    ) -> None:
        packet = rtp.RtpPacket(
            payload_type,
            self._sequence & 0xFFFF,
            timestamp & 0xFFFF_FFFF,
            self._ssrc,
            body,
            marker=marker,
        )
        self._sequence += 1
        if self._udp.send(rtp.pack(packet), (remote.host, remote.port)):
            self.sent_packets += 1
