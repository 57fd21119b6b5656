"""What the services have in common that follow all calls of a node: one follower a call.

They hear the bus, let time pass, tell what comes of it, take calls up again after a restart, and
forget them. A call that breaks its follower does not end the others.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Engine

from asr.events import AudioGap, LegTranscribed, SpeechStarted, SpeechStopped, TranscriptFinal
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from qa_engine.guidance_storage import calls_under_way
from qa_engine.pack import PackError
from qa_engine.settings import QaSettings
from telephony.events import CallEvent

_log = structlog.get_logger(__name__)


class Follower(Protocol):
    """One call followed. Pure: events and time in, what there is to tell out."""

    @property
    def closed(self) -> bool:
        """Whether the last word on this call is spoken."""
        ...

    def feed(self, event: Event, now: float) -> Sequence[Event]:
        """Take an event of this call in. `now` is in seconds since the epoch."""
        ...

    def tick(self, now: float) -> Sequence[Event]:
        """Let time pass."""
        ...


F = TypeVar("F", bound=Follower)
T = TypeVar("T")


@dataclass(slots=True)
class Followed(Generic[F]):
    """A call that is followed, and when it was last heard of and closed."""

    follower: F
    seen_at: float
    closed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a service is called on the bus, and how its troubles are counted and logged."""

    subscriber: str
    dropped: str
    failures: str
    failed: str


HEARD: tuple[type[Event], ...] = (
    CallEvent,
    LegOpened,
    LegClosed,
    SpeechStarted,
    SpeechStopped,
    AudioGap,
    LegTranscribed,
    TranscriptFinal,
)
"""What tells of a call as it is heard."""


class LiveCalls(abc.ABC, Generic[F, T]):
    """One follower per call, made by what is in force when the call begins: rules, guidance.

    Args:
        settings: of rules.
        bus: where calls are heard and told of.
        clock: the system's.
        counters: where failures are counted.
        engine: of the store, to take up calls that an earlier run did not see the end of.

    Raises:
        PackError: the pack's files cannot be used; there is nothing old to go on with yet.
    """

    names: ClassVar[Names]
    hears: ClassVar[tuple[type[Event], ...]]

    def __init__(
        self,
        settings: QaSettings,
        bus: Bus,
        clock: Clock,
        counters: Counters,
        engine: Engine | None = None,
    ) -> None:
        self._settings = settings
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._engine = engine
        self._content = self._load(settings)
        self._calls: dict[str, Followed[F]] = {}
        # From the first moment, so that nothing between construction and run() is missed.
        self._events = bus.subscribe(self.names.subscriber, *self.hears, maxsize=10_000)

    @property
    def open_calls(self) -> int:
        """Calls that are being followed, or waited for after their end."""
        return len(self._calls)

    async def run(self) -> None:
        """Follow calls until cancelled."""
        if self._engine is not None:
            await self._take_up(self._engine)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._tick())
            tasks.create_task(self._watch())

    @abc.abstractmethod
    def _load(self, settings: QaSettings) -> Reloaded[T]:
        """Load what new calls are followed by."""

    @abc.abstractmethod
    def _follow(self, call_id: str) -> F:
        """Make a follower for a new call."""

    @abc.abstractmethod
    async def _take_up(self, engine: Engine) -> None:
        """Go on with the calls of the journal, as an earlier run left them."""

    @abc.abstractmethod
    async def _watch(self) -> None:
        """Look for edits of what new calls are followed by, for ever."""

    def _opens(self, event: Event) -> bool:
        """Whether an event of an unknown call is the sign of a new one."""
        del event
        return True

    async def _under_way(
        self, engine: Engine, kinds: Sequence[type[Event]], ended_since: float | None = None
    ) -> Mapping[str, Sequence[Event]]:
        """What is journalled of these classes about calls that have not been forgotten yet."""
        since = self._clock.time() - self._settings.forget_s

        def read() -> Mapping[str, Sequence[Event]]:
            with engine.connect() as connection:
                return calls_under_way(
                    connection, since, self._bus.concrete(tuple(kinds)), ended_since
                )

        return await asyncio.to_thread(read)

    async def _listen(self) -> None:
        async for envelope in self._events:
            event = envelope.event
            call_id: str = getattr(event, "call_id", "")
            call = self._calls.get(call_id)
            if call is None:
                if not self._opens(event):
                    continue
                call = self._open(call_id)
            now = call.seen_at = self._clock.time()

            def feed(
                follower: F = call.follower, event: Event = event, now: float = now
            ) -> Sequence[Event]:
                return follower.feed(event, now)

            await self._tell(call_id, feed)

    def _open(self, call_id: str) -> Followed[F]:
        if len(self._calls) >= self._settings.calls:
            oldest = min(self._calls, key=lambda known: self._calls[known].seen_at)
            del self._calls[oldest]
            self._counters.add(self.names.dropped, reason="too_many")
        call = self._calls[call_id] = Followed(self._follow(call_id), self._clock.time())
        return call

    async def _tell(self, call_id: str, work: Callable[[], Sequence[Event]]) -> None:
        """Publish what comes of some work on a call, which may break without harm to others."""
        try:
            told = work()
        except Exception as error:  # noqa: BLE001 - one call must not end the others
            self._counters.add(self.names.failures)
            _log.error(self.names.failed, call_id=call_id, error=type(error).__name__)
            return
        # Together, so that they share a commit; they keep their order.
        if told:
            await asyncio.gather(*(self._bus.publish(event) for event in told))

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._settings.tick_s)
            now = self._clock.time()
            for call_id, call in list(self._calls.items()):

                def tick(follower: F = call.follower, now: float = now) -> Sequence[Event]:
                    return follower.tick(now)

                await self._tell(call_id, tick)
                self._forget(call_id, call, now)

    def _forget(self, call_id: str, call: Followed[F], now: float) -> None:
        if call.follower.closed and call.closed_at is None:
            call.closed_at = now
        # Finals that come late still find their call.
        if call.closed_at is not None and now >= call.closed_at + self._settings.late_s:
            self._calls.pop(call_id, None)
        elif now >= call.seen_at + self._settings.forget_s:
            self._calls.pop(call_id, None)
            self._counters.add(self.names.dropped, reason="silent")


class Reloaded(Generic[T]):
    """Something made from the files of a pack, and made again when they are edited.

    Args:
        mark: tells one state of the files from another; asked in a thread.
        make: reads them; called in a thread, but the first time at once.

    Raises:
        PackError: it cannot be made; there is no old one to go on with yet.
    """

    def __init__(self, mark: Callable[[], object], make: Callable[[], T]) -> None:
        self._mark = mark
        self._make = make
        self._seen = mark()
        self.value = make()
        """The one in force."""
        self.refused: PackError | None = None
        """What is wrong with the files as they are now; the old value stays in force."""

    async def look(self) -> bool:
        """Look at the files; tell whether there is news, `refused` or a new `value`."""
        seen = await asyncio.to_thread(self._mark)
        if seen == self._seen:
            return False
        try:
            value = await asyncio.to_thread(self._make)
        except PackError as error:
            if await asyncio.to_thread(self._mark) != seen:
                return False  # still being written: look again
            self._seen, self.refused = seen, error
            return True
        self._seen, self.value, self.refused = seen, value, None
        return True
