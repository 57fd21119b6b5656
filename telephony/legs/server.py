"""What every server of audio does: it lets expected legs in, counts samples, marks what is missing.

It sends nothing back: that would be played to the tapped channel's own end.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import structlog

from backbone.errors import UserError
from backbone.media import AudioFrame, LegClosed, LegOpened, Role
from telephony.legs.frames import Audio, Failed, Frame, Identified, Terminated, Unreadable
from telephony.legs.leg import Leg, Line, Telling
from telephony.legs.sample_clock import SAMPLE_BYTES, Timed

if TYPE_CHECKING:
    from backbone.bus import Bus
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_IDENTIFY_WITHIN_S = 5.0
_GRACE_S = 2.0
"""How long audio and the news of the call's end may lie apart."""
_TOLERATED_GAP_S = 0.5
_TOLERATED_DELAY_S = 0.3
"""The first audio comes 23 to 65 ms after the answer; later, and a word may be missing."""


class _Broken(Exception):  # noqa: N818 - a way out of the read loop, with the leg's reason
    pass


class Sender(Protocol):
    """One connection that audio comes by."""

    transport: Line

    async def frames(self) -> list[Frame] | None:
        """What was sent next; may be nothing yet. None when the connection is at its end.

        Raises:
            ConnectionError: it broke.
        """
        ...


class Listener(Protocol):
    """What waits for connections: asyncio's server and websockets' both do."""

    @property
    def sockets(self) -> Iterable[Any]:
        """Those it listens on."""
        ...

    def close(self) -> None:
        """Listen no more."""
        ...


class LegServer(abc.ABC):
    """Receives the audio of expected legs and publishes it.

    `expect` a leg before asking Asterisk for it. Run it once; `ready` is set when it listens and
    `port` is known. When it stops, or a sender's connection breaks, the legs are closed as
    incomplete with the reason; the calls go on.
    """

    name: ClassVar[str]
    """Of the transport, as it stands in counters and logs."""

    def __init__(self, host: str, port: int, bus: Bus, clock: Clock, counters: Counters) -> None:
        self.ready = asyncio.Event()
        self.host = host
        self.port = port
        self.lost_s = 0.0
        """Seconds of all legs' audio that the PBX threw away before sending, since the start."""
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

    @abc.abstractmethod
    def channel(self, leg_id: str, codec: str) -> str:
        """The channel that Asterisk has to originate to send a leg here, in that format."""

    @abc.abstractmethod
    async def _listen(self) -> Listener:
        """Begin to listen on `host` and `port`; every connection goes to `_accept`, and then ends.

        Raises:
            OSError: the address is in use or not ours.
        """

    async def run(self) -> None:
        """Listen until cancelled.

        Raises:
            UserError: the address is in use or not ours.
        """
        try:
            server = await self._listen()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UserError(
                f"cannot listen for audio on {self.host}:{self.port}: {why}; "
                "stop what listens there, or set another port here and in Asterisk"
            ) from None
        self.port = next(iter(server.sockets)).getsockname()[1]
        self.ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ready.clear()
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # Which legs

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

    # One connection

    async def _accept(self, sender: Sender) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._tasks.add(task)
        try:
            await self._serve(sender)
        except asyncio.CancelledError:
            # A server logs a cancelled handler as an error; here it is the way to stop, and
            # nobody waits for this task but `run`.
            pass
        except Exception as error:  # noqa: BLE001 - one sender must not stop the others
            self._counters.add(f"{self.name}_failures")
            _log.error(f"{self.name}_failed", error=type(error).__name__)
        finally:
            self._tasks.discard(task)

    async def _serve(self, sender: Sender) -> None:
        try:
            async with asyncio.timeout(_IDENTIFY_WITHIN_S):
                leg, frames = await self._identify(sender)
        except (TimeoutError, OSError):
            self._refuse("unidentified")
            return
        if leg is None:
            return
        leg.transport = sender.transport
        self._live[leg.leg_id] = leg
        reason = "tap_ended_early"
        try:
            reason = await self._receive(leg, sender, frames)
        except asyncio.CancelledError:
            reason = "media_server_stopped"
            raise
        finally:
            del self._live[leg.leg_id]
            await asyncio.shield(self._close(leg, reason))

    async def _identify(self, sender: Sender) -> tuple[Leg | None, list[Frame]]:
        while (frames := await sender.frames()) is not None:
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
        self._counters.add(f"{self.name}_refused", reason=reason)
        _log.warning(f"{self.name}_refused", reason=reason)

    async def _receive(self, leg: Leg, sender: Sender, frames: list[Frame] | None) -> str:
        """Publish a leg's audio until it ends; return what is wrong with it, or nothing."""
        try:
            while frames is not None:
                await self._publish(leg, frames)
                if leg.whole:
                    break
                frames = await sender.frames()
        except ConnectionError:
            if not leg.over.is_set():
                return "tap_reset"
        except _Broken as broken:
            return str(broken)
        finally:
            if leg.clock is not None:
                self._hand_on(leg, leg.clock.rest())
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
                self._counters.add(f"{self.name}_unreadable_frames")
            elif isinstance(frame, Terminated):
                break  # the connection's end follows
        pcm = b"".join(pieces)
        if not pcm:
            return
        heard = self._clock.monotonic()
        if leg.clock is None:
            now = self._clock.time()
            leg.open(Audio(leg.rate, pcm), now, heard)
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
        assert leg.clock is not None  # noqa: S101 - opened above
        self._hand_on(leg, leg.clock.take(pcm, heard))

    def _hand_on(self, leg: Leg, timed: Timed) -> None:
        """Publish audio where it stands in time."""
        assert leg.gate is not None  # noqa: S101 - it came with the leg's clock
        if timed.silence:
            self._counters.add("leg_pauses")
        if timed.lost:
            self._lose(leg, timed.lost)
        pcm = bytes(timed.silence * SAMPLE_BYTES) + timed.pcm
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
            leg.samples += len(passed) // SAMPLE_BYTES

    def _lose(self, leg: Leg, samples: int) -> None:
        """Audio was lost before it was sent; the log is told once a leg."""
        first = not leg.lost
        before = leg.lost
        leg.skip(samples)
        lost_s = (leg.lost - before) / leg.rate
        self.lost_s += lost_s
        if first and leg.lost:
            self._counters.add("legs_behind")
            _log.warning("leg_behind", leg_id=leg.leg_id, role=leg.role, seconds=round(lost_s, 3))

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
