"""The server that Asterisk sends the audio of tapped legs to.

It knows which legs to expect and refuses others. It sends nothing back: the dialplan's
AudioSocket() would play it to the tapped channel's own end.

A leg's sample 0 is placed on the call's clock by this host's clock alone: when its first audio
arrived, less that audio's length, less when this host heard of the answer. The way of the answer
over the manager connection and the way of the audio are both about a millisecond on one machine
or LAN, and cancel; how far the PBX's clock is off does not matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import structlog

from backbone.errors import UserError
from backbone.media import AudioFrame, LegClosed, LegOpened, Role
from telephony.audiosocket.gate import SpeechGate
from telephony.audiosocket.protocol import (
    Audio,
    AudioSocketParser,
    Failed,
    Frame,
    Identified,
    Terminated,
    Unreadable,
)
from telephony.settings import AudioSocketSettings

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

Telling = Literal["hold", "resume", "end"]
"""What a leg is told about the call: hold music begins, it ends, the party's part is over."""

_READ = 64 * 1024
_IDENTIFY_WITHIN_S = 5.0
_GRACE_S = 2.0
"""How long audio and the news of the call's end may lie apart."""
_TOLERATED_GAP_S = 0.5
_TOLERATED_DELAY_S = 0.3
"""The first audio comes 23 to 65 ms after the answer; later, and a word may be missing."""
_UNSPOKEN_S = 0.2
"""A longer gap between frames of a leg that is timed by arrival is silence."""
_SAMPLE_BYTES = 2


class _Broken(Exception):  # noqa: N818 - a way out of the read loop, with the leg's reason
    pass


@dataclass(slots=True, eq=False)
class Leg:
    """One side of a call that is expected, or heard.

    `answered_here` is when this host heard of the answer (epoch seconds).
    """

    leg_id: str
    call_id: str
    role: Role
    answered_here: float
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gate: SpeechGate | None = None
    early: list[tuple[Telling, float]] = field(default_factory=list)
    rate: int = 0
    samples: int = 0
    offset_s: float = 0.0
    transport: asyncio.WriteTransport | None = None
    by_arrival: bool = False
    """Its sender sends nothing while the party sends nothing: silence fills such gaps."""
    began: float = 0.0

    def filled(self, pcm: bytes, now: float) -> bytes:
        """Put silence before audio that came later than counting samples says.

        What is waiting to be read comes with it, so a reader that stalled is not taken for a
        party that did not speak.
        """
        if not self.by_arrival or self.gate is None:
            return pcm
        due = round((now - self.began) * self.rate)
        missing = due - self.samples - len(pcm) // _SAMPLE_BYTES
        return bytes(missing * _SAMPLE_BYTES) + pcm if missing > _UNSPOKEN_S * self.rate else pcm

    def tell(self, what: Telling, at_s: float) -> None:
        """Gate the leg: `hold`, `resume` or `end` at a time on the call's clock."""
        if self.gate is None:
            self.early.append((what, at_s))
        elif what == "hold":
            self.gate.hold(at_s)
        elif what == "resume":
            self.gate.resume(at_s)
        else:
            self.gate.end(at_s)
        if what == "end":
            self.over.set()

    def open(self, audio: Audio, arrived: float, length_s: float) -> None:
        """The first audio is here, `length_s` of it."""
        self.rate = audio.rate
        self.began = arrived - length_s
        self.offset_s = self.began - self.answered_here
        self.gate = SpeechGate(audio.rate, self.offset_s)
        for what, at_s in self.early:
            self.tell(what, at_s)
        self.early.clear()

    @property
    def whole(self) -> bool:
        """Whether all that was to come has come."""
        last = self.gate.last if self.gate is not None else None
        return last is not None and self.samples >= last

    @property
    def missing_s(self) -> float:
        """Audio that should be there at the end and is not, in seconds."""
        if self.by_arrival:
            return 0.0  # a party that sends nothing at the end is not missing
        last = self.gate.last if self.gate is not None else None
        missing = (last - self.samples) / self.rate if last is not None else 0.0
        return max(0.0, missing)


class AudioSocketServer:
    """Receives the audio of expected legs and publishes it.

    `expect` a leg before asking Asterisk for it. Run it once; `ready` is set when it listens and
    `port` is known. When it stops, or a sender's connection breaks, the legs are closed as
    incomplete with the reason; the calls go on.
    """

    def __init__(
        self, settings: AudioSocketSettings, bus: Bus, clock: Clock, counters: Counters
    ) -> None:
        self.ready = asyncio.Event()
        self.port = settings.port
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._expected: dict[str, Leg] = {}
        self._live: dict[str, Leg] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def live_legs(self) -> int:
        """Legs that send audio now."""
        return len(self._live)

    @property
    def where(self) -> str:
        """Address and port as Asterisk has to dial them."""
        return f"{self._settings.host}:{self.port}"

    def expect(self, leg: Leg) -> None:
        """Let a leg in when it comes."""
        self._expected[leg.leg_id] = leg

    def forget(self, leg_id: str) -> None:
        """Refuse a leg that was expected."""
        self._expected.pop(leg_id, None)

    def tell(self, call_id: str, role: Role, what: Telling, at_s: float) -> None:
        """Gate the legs of one side: `hold`, `resume` or `end`, on the call's clock."""
        for leg in self._legs_of(call_id, role):
            leg.tell(what, at_s)
            if what == "end" and leg.transport is not None:
                if leg.whole:
                    leg.transport.close()
                else:  # the last frames are still on their way, but not for ever
                    asyncio.get_running_loop().call_later(_GRACE_S, leg.transport.abort)

    def _legs_of(self, call_id: str, role: Role) -> Iterator[Leg]:
        for leg in [*self._expected.values(), *self._live.values()]:
            if leg.call_id == call_id and leg.role == role:
                yield leg

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            UserError: the address is in use or not ours.
        """
        host, port = self._settings.host, self._settings.port
        try:
            server = await asyncio.start_server(self._accept, host, port)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UserError(f"cannot listen for audio on {host}:{port}: {why}") from None
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ready.clear()
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            # asyncio's own server logs a cancelled handler as an error; here it is the way to
            # stop, and nobody waits for this task but `run`.
            pass
        except Exception as error:  # noqa: BLE001 - one sender must not stop the others
            self._counters.add("audiosocket_failures")
            _log.error("audiosocket_failed", error=type(error).__name__)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = AudioSocketParser()
        try:
            async with asyncio.timeout(_IDENTIFY_WITHIN_S):
                leg, frames = await self._identify(reader, parser)
        except (TimeoutError, OSError):
            self._refuse("unidentified")
            return
        if leg is None:
            return
        leg.transport = writer.transport
        self._live[leg.leg_id] = leg
        reason = "tap_ended_early"
        try:
            reason = await self._receive(leg, reader, parser, frames)
        except asyncio.CancelledError:
            reason = "media_server_stopped"
            raise
        finally:
            del self._live[leg.leg_id]
            await asyncio.shield(self._close(leg, reason))

    async def _identify(
        self, reader: asyncio.StreamReader, parser: AudioSocketParser
    ) -> tuple[Leg | None, list[Frame]]:
        while data := await reader.read(_READ):
            frames = parser.feed(data)
            if not frames:
                continue
            first = frames[0]
            leg = self._expected.pop(first.leg_id, None) if isinstance(first, Identified) else None
            if leg is None:
                self._refuse("unexpected" if isinstance(first, Identified) else "unidentified")
            return leg, frames[1:]
        self._refuse("unidentified")
        return None, []

    def _refuse(self, reason: str) -> None:
        self._counters.add("audiosocket_refused", reason=reason)
        _log.warning("audiosocket_refused", reason=reason)

    async def _receive(
        self,
        leg: Leg,
        reader: asyncio.StreamReader,
        parser: AudioSocketParser,
        frames: list[Frame],
    ) -> str:
        """Publish a leg's audio until it ends; return what is wrong with it, or nothing."""
        try:
            while True:
                await self._publish(leg, frames)
                if leg.whole:
                    break
                data = await reader.read(_READ)
                if not data:
                    break
                frames = parser.feed(data)
        except ConnectionError:
            if not leg.over.is_set():
                return "tap_reset"
        except _Broken as broken:
            return str(broken)
        try:
            # The end of the call and the end of its audio come by different ways.
            async with asyncio.timeout(_GRACE_S):
                await leg.over.wait()
        except TimeoutError:
            return "tap_ended_early"
        if leg.missing_s > _TOLERATED_GAP_S:
            return "audio_missing"
        return "tap_late" if leg.offset_s > _TOLERATED_DELAY_S else ""

    async def _publish(self, leg: Leg, frames: list[Frame]) -> None:
        pieces = []
        for frame in frames:
            if isinstance(frame, Audio):
                if leg.rate not in {0, frame.rate}:
                    raise _Broken("rate_changed")
                leg.rate = frame.rate
                pieces.append(frame.pcm)
            elif isinstance(frame, Failed):
                raise _Broken("tap_error")
            elif isinstance(frame, Unreadable):
                self._counters.add("audiosocket_unreadable_frames")
            elif isinstance(frame, Terminated):
                break  # the connection's end follows
        pcm = b"".join(pieces)
        if not pcm:
            return
        if leg.gate is None:
            now = self._clock.time()
            leg.open(Audio(leg.rate, pcm), now, len(pcm) / _SAMPLE_BYTES / leg.rate)
            await self._bus.publish(
                LegOpened(
                    at=now,
                    call_id=leg.call_id,
                    leg_id=leg.leg_id,
                    role=leg.role,
                    rate=leg.rate,
                    offset_s=leg.offset_s,
                )
            )
            leg.opened.set()
        assert leg.gate is not None  # noqa: S101 - opened above
        pcm = leg.filled(pcm, self._clock.time())
        passed = leg.gate.passed(leg.samples, pcm)
        if passed:
            self._bus.emit(
                AudioFrame(
                    at=self._clock.time(),
                    call_id=leg.call_id,
                    leg_id=leg.leg_id,
                    role=leg.role,
                    rate=leg.rate,
                    sample=leg.samples,
                    pcm=passed,
                )
            )
            leg.samples += len(passed) // _SAMPLE_BYTES

    async def _close(self, leg: Leg, reason: str) -> None:
        if leg.gate is None and reason != "media_server_stopped":
            reason = "tap_failed"  # it came, and sent nothing
        if reason:
            self._counters.add("legs_incomplete", reason=reason)
        await self._bus.publish(
            LegClosed(
                at=self._clock.time(),
                call_id=leg.call_id,
                leg_id=leg.leg_id,
                role=leg.role,
                samples=leg.samples,
                complete=not reason,
                reason=reason,
            )
        )
