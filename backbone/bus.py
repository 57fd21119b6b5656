"""The in-process event bus: one publisher side, any number of subscribers, three promises.

Durable events go through the journal first and are handed out in the order of their numbers. A
subscriber that falls behind on them is not fed from memory any more: it reads the journal until
it has caught up, so a slow one costs the others nothing and loses nothing. What is not durable
is coalesced or dropped with a count. See `Delivery`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from backbone.events import Delivery, Envelope, Event, kind_of

if TYPE_CHECKING:
    from typing import Self

    from backbone.counters import Counters

Committed = Callable[[Sequence[tuple[int, Event]]], None]

_CATCH_UP_BATCH = 500


class Journal(Protocol):
    """Where durable events are kept. `backbone.store.journal` is the real one."""

    def append(self, event: Event, committed: asyncio.Future[int]) -> None:
        """Store an event; resolve `committed` with its number after it was handed out."""
        ...

    def on_commit(self, callback: Committed) -> None:
        """Call back in the loop's thread, in order of numbers, with each committed batch."""
        ...

    async def read(self, after: int, kinds: Sequence[str], limit: int) -> list[Envelope]:
        """Read at most `limit` events of these kinds numbered above `after`, in order."""
        ...

    async def last_seq(self) -> int:
        """The highest number given so far; 0 when there is none."""
        ...


class Subscription:
    """One subscriber's view of the bus: iterate it for envelopes in order.

    `maxsize` bounds each delivery class by itself. Not safe to iterate from two tasks.
    """

    def __init__(
        self,
        bus: Bus,
        name: str,
        types: tuple[type[Event], ...],
        *,
        maxsize: int,
        after: int | None,
    ) -> None:
        self.name = name
        self._bus = bus
        self._types = types
        self._kinds = [
            kind_of(cls) for cls in bus.concrete(types) if cls.delivery is Delivery.DURABLE
        ]
        self._maxsize = maxsize
        self._order = itertools.count()
        self._durable: deque[tuple[int, Envelope]] = deque()
        self._live: deque[tuple[int, Envelope]] = deque()
        self._latest: OrderedDict[object, tuple[int, Envelope]] = OrderedDict()
        self._wake = asyncio.Event()
        self._closed = False
        self._behind = after is not None
        self.last_seq = after or 0

    @property
    def behind(self) -> bool:
        """Whether durable events are being read from the journal instead of from memory."""
        return self._behind

    @property
    def depth(self) -> int:
        """How many envelopes wait in memory."""
        return len(self._durable) + len(self._live) + len(self._latest)

    def wants(self, event: Event) -> bool:
        """Whether this subscriber asked for such events."""
        return isinstance(event, self._types)

    def offer(self, envelope: Envelope) -> None:
        """Take an envelope in, under the overflow rule of its class. Never blocks."""
        if self._closed:
            return
        event = envelope.event
        match event.delivery:
            case Delivery.DURABLE:
                self._offer_durable(envelope)
            case Delivery.LATEST:
                key = event.latest_key()
                old = self._latest.get(key)
                if old is None and len(self._latest) >= self._maxsize:
                    self._latest.popitem(last=False)
                    self._bus.counters.add("bus_dropped", subscriber=self.name, delivery="latest")
                # A replaced one keeps its turn, so a chatty key cannot starve itself.
                order = old[0] if old else next(self._order)
                self._latest[key] = (order, envelope)
            case Delivery.LIVE:
                if len(self._live) >= self._maxsize:
                    self._live.popleft()
                    self._bus.counters.add("bus_dropped", subscriber=self.name, delivery="live")
                self._live.append((next(self._order), envelope))
        self._wake.set()

    def _offer_durable(self, envelope: Envelope) -> None:
        if self._behind and envelope.seq:
            return  # the journal has it
        if len(self._durable) >= self._maxsize:
            self._bus.counters.add("bus_overflows", subscriber=self.name)
            if envelope.seq:
                self._behind = True
            else:  # never stored, so nobody could read it again
                self._bus.counters.add("bus_dropped", subscriber=self.name, delivery="durable")
            return
        self._durable.append((next(self._order), envelope))

    def close(self) -> None:
        """End the iteration once what is waiting has been handed out."""
        self._closed = True
        self._bus.forget(self)
        self._wake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Envelope:
        while True:
            envelope = self._pop()
            if envelope is not None:
                return envelope
            if self._closed:
                raise StopAsyncIteration
            if self._behind and await self._catch_up():
                continue
            if self.depth:
                continue
            self._wake.clear()
            await self._wake.wait()

    def _pop(self) -> Envelope | None:
        while True:
            heads = [(queue[0][0], queue) for queue in (self._durable, self._live) if queue]
            latest = next(iter(self._latest.items()), None)
            if not heads and latest is None:
                return None
            oldest = min(heads, key=lambda head: head[0], default=None)
            if latest is not None and (oldest is None or latest[1][0] < oldest[0]):
                del self._latest[latest[0]]
                return latest[1][1]
            assert oldest is not None  # noqa: S101 - one of the two is there, for the type checker
            envelope = oldest[1].popleft()[1]
            if envelope.seq:
                if envelope.seq <= self.last_seq:
                    continue  # read from the journal already
                self.last_seq = envelope.seq
            return envelope

    async def _catch_up(self) -> bool:
        """Refill from the journal; False when there is nothing more and live may go on."""
        head = self._bus.last_seq
        batch = await self._bus.read(
            self.last_seq, self._kinds, min(_CATCH_UP_BATCH, self._maxsize)
        )
        for envelope in batch:
            self._durable.append((next(self._order), envelope))
        if batch:
            return True
        # Nothing was committed while we read, or what was is none of ours: read up to here.
        if self._bus.last_seq == head:
            self._behind = False
            self.last_seq = max(self.last_seq, head)
            return False
        return True


class Bus:
    """Connects the components of one node.

    `await publish(event)` for durable events, `emit(event)` for the rest. Without a journal
    (offline analysis) durable events are numbered in memory and cannot be read again.
    """

    def __init__(self, counters: Counters, journal: Journal | None = None) -> None:
        self.counters = counters
        self.last_seq = 0
        self._journal = journal
        self._subscriptions: list[Subscription] = []
        if journal is not None:
            journal.on_commit(self._committed)

    async def start(self) -> None:
        """Learn the journal's last number. Call once before the first publish."""
        if self._journal is not None:
            self.last_seq = await self._journal.last_seq()

    def subscribe(
        self,
        name: str,
        *types: type[Event],
        maxsize: int = 1000,
        after: int | None = None,
    ) -> Subscription:
        """Listen to these event classes and their subclasses.

        Args:
            name: of the subscriber, as it stands in counters.
            types: event classes; a base class stands for all its subclasses.
            maxsize: envelopes kept in memory per delivery class.
            after: begin with the stored events numbered above this one; None for new ones only.
        """
        subscription = Subscription(self, name, types, maxsize=maxsize, after=after)
        if after is None:
            subscription.last_seq = self.last_seq
        self._subscriptions.append(subscription)
        return subscription

    def emit(self, event: Event) -> None:
        """Hand out an event that is not durable. Never blocks.

        Raises:
            TypeError: the event is durable; `await publish` it.
        """
        if event.delivery is Delivery.DURABLE:
            raise TypeError(f"{type(event).__name__} is durable: publish() it")
        self._hand_out(Envelope(0, event))

    async def publish(self, event: Event) -> int:
        """Hand out any event; a durable one when it is stored. Returns its number.

        A durable event that cannot be stored (full disk) is handed out all the same with number
        0 and kept for another try: an alert nobody sees is worse than one that is not on disk.
        """
        if event.delivery is not Delivery.DURABLE:
            self.emit(event)
            return 0
        if self._journal is None:
            self.last_seq += 1
            self._hand_out(Envelope(self.last_seq, event))
            return self.last_seq
        committed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._journal.append(event, committed)
        return await committed

    def concrete(self, types: tuple[type[Event], ...]) -> list[type[Event]]:
        """All event classes these stand for."""
        found: dict[type[Event], None] = {}
        pending = list(types)
        while pending:
            cls = pending.pop()
            found[cls] = None
            pending.extend(cls.__subclasses__())
        return list(found)

    async def read(self, after: int, kinds: Sequence[str], limit: int) -> list[Envelope]:
        """Read stored events; empty without a journal."""
        if self._journal is None or not kinds:
            return []
        return await self._journal.read(after, kinds, limit)

    def forget(self, subscription: Subscription) -> None:
        """Stop feeding a subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def depths(self) -> dict[str, int]:
        """Envelopes waiting in memory, by subscriber name (summed where a name is shared)."""
        depths: dict[str, int] = {}
        for subscription in self._subscriptions:
            depths[subscription.name] = depths.get(subscription.name, 0) + subscription.depth
        return depths

    def _committed(self, batch: Sequence[tuple[int, Event]]) -> None:
        for seq, event in batch:
            if seq:
                self.last_seq = seq
            self._hand_out(Envelope(seq, event))

    def _hand_out(self, envelope: Envelope) -> None:
        event = envelope.event
        for subscription in self._subscriptions:
            if subscription.wants(event):
                subscription.offer(envelope)
