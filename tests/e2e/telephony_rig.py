"""Our telephony beside the lab's Asterisk: link, taps and media server on one bus."""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np
from patience import PATIENCE_S
from pydantic import SecretStr

from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.media import AudioFrame, LegClosed, LegOpened
from telephony.events import (
    AgentStateChanged,
    CallConnected,
    CallEnded,
    CallEvent,
    CallHeld,
    CallRefused,
    CallResumed,
    DirectCallEnded,
    PbxHealth,
    QueueState,
    TapHealth,
)
from telephony.link import PbxLink
from telephony.settings import AriSettings, AudioSocketSettings, PbxSettings, WebSocketSettings
from telephony.taps.service import TapService
from telephony.taps.transport import leg_server
from tingzhen.lab.scripts import AgentScript


def settings_for(addresses, *, ami_port=None):
    return PbxSettings(
        system="lab",
        host=addresses.ami_host,
        port=ami_port or addresses.ami_port,
        username=addresses.ami_user,
        secret=SecretStr(addresses.ami_secret),
        ari=AriSettings(
            url=addresses.ari_url,
            username=addresses.ari_user,
            secret=SecretStr(addresses.ari_secret),
        ),
        audiosocket=AudioSocketSettings(
            host=addresses.audiosocket_host, port=addresses.audiosocket_port
        ),
        websocket=WebSocketSettings(host=addresses.websocket_host, port=addresses.websocket_port),
    )


def by_websocket(settings):
    """The same with taps through chan_websocket."""
    ari = settings.ari.model_copy(update={"context": "export-websocket"})
    return settings.model_copy(update={"transport": "websocket", "ari": ari})


KINDS = (
    CallEvent,
    CallRefused,
    DirectCallEnded,
    AgentStateChanged,
    QueueState,
    LegOpened,
    LegClosed,
    AudioFrame,
    PbxHealth,
    TapHealth,
)


class Rig:
    """What is published, kept in order; `until` waits for more of it."""

    def __init__(self, settings, *, journal=None):
        self.counters = Counters()
        self.clock = SystemClock()
        self.bus = Bus(self.counters, journal)
        self.link = PbxLink(settings, self.bus, self.clock, self.counters)
        self.server = leg_server(settings, self.bus, self.clock, self.counters)
        self.taps = TapService(
            settings, self.bus, self.clock, self.counters, self.server, pbx=self.link
        )
        self.events = []
        self.changed = asyncio.Event()
        self.tasks = {}

    async def collect(self):
        async for envelope in self.bus.subscribe("rig", *KINDS, maxsize=100_000):
            self.events.append(envelope.event)
            self.changed.set()

    def start(self, name, coroutine):
        self.tasks[name] = asyncio.create_task(coroutine, name=name)

    async def stop(self, name):
        task = self.tasks.pop(name)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def of(self, kind, **having):
        return [
            event
            for event in self.events
            if isinstance(event, kind)
            and all(getattr(event, name) == value for name, value in having.items())
        ]

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not (found := condition()):
                self.changed.clear()
                await self.changed.wait()
        return found

    async def back(self):
        """Wait until the PBX's link and the taps are up, by the last that they told of themselves.

        Either tells it again and again: that they are up may have been told before they were cut.
        """
        await self.until(lambda: all(self.of(kind)[-1].up for kind in (PbxHealth, TapHealth)))

    async def record(self, uniqueid):
        def found():
            return [e.record for e in self.of(CallEnded) if e.record.uniqueid == uniqueid]

        return (await self.until(found))[0]

    def audio(self, leg_id):
        """Return a leg's samples joined, asserting that none is missing between frames."""
        pcm = b""
        for frame in self.of(AudioFrame, leg_id=leg_id):
            assert frame.sample * 2 == len(pcm)
            pcm += frame.pcm
        return pcm

    def heard_between(self, opened, begin, end):
        """Return a leg's samples between two times of the call, all of which must be there."""
        (connected,) = self.of(CallConnected)
        first, last = (
            round((at - connected.at - opened.offset_s) * opened.rate) for at in (begin, end)
        )
        pcm = np.frombuffer(self.audio(opened.leg_id), np.int16)
        assert 0 < first < last <= len(pcm)
        return pcm[first:last]

    def heard_on_hold(self, opened):
        """Return a leg's samples during the call's one hold, but for 0.2 s at either end."""
        ((held,), (resumed,)) = self.of(CallHeld), self.of(CallResumed)
        return self.heard_between(opened, held.at + 0.2, resumed.at - 0.2)


@contextlib.asynccontextmanager
async def telephony(settings, *, restore=None, journal=None):
    rig = Rig(settings, journal=journal)
    await rig.bus.start()
    if restore is not None:
        rig.link.restore(restore)
        rig.taps.restore(restore)
    rig.start("collect", rig.collect())
    rig.start("server", rig.server.run())
    await rig.server.ready.wait()
    rig.start("taps", rig.taps.run())
    rig.start("link", rig.link.run())
    try:
        await rig.until(lambda: rig.of(PbxHealth, up=True) and rig.of(TapHealth, up=True))
        yield rig
    finally:
        for name in ("taps", "link", "server", "collect"):
            if name in rig.tasks:
                await rig.stop(name)


@contextlib.asynccontextmanager
async def tapped(lab, rig, caller, *, ring_s=0.2):
    """A call that agent 1001 has taken and of which both sides are being heard."""
    async with (
        asyncio.timeout(PATIENCE_S),
        lab.place(caller, {"1001": AgentScript(ring_s=ring_s)}) as call,
    ):
        await rig.until(lambda: len(rig.of(LegOpened)) == 2)
        yield call


async def spoken_call(lab, voices, number):
    """A call of three seconds in which each side is known by the pitch of its voice."""
    return await lab.call(
        "support",
        ring_s=0.3,
        talk_s=3.0,
        agent_wav=voices["agent"],
        customer_wav=voices["caller"],
        number=number,
    )


async def closed_whole(rig):
    """Wait for the end of both sides, of which nothing may be missing."""
    closed = await rig.until(lambda: len(rig.of(LegClosed)) == 2 and rig.of(LegClosed))
    assert [(leg.complete, leg.reason) for leg in closed] == [(True, ""), (True, "")]


def leg_of(lab, user):
    """The one leg that a phone is in."""
    (leg,) = [leg for leg in lab.phone.legs if leg.user == user]
    return leg


def rang_s(leg):
    """How long a phone rang until it was lifted, by its own clock."""
    return leg.answer_at - leg.ring_at


@contextlib.contextmanager
def told(lab, **fields):
    """Yield what is set once Asterisk tells of an event with these fields."""
    seen = asyncio.Event()

    def heard(event):
        if fields.items() <= event.items():
            seen.set()

    lab.manager.listen(heard)
    try:
        yield seen
    finally:
        lab.manager.unlisten(heard)


async def channels_gone(lab, *kinds):
    """Wait until Asterisk has no channel of these kinds: it ends them when it comes to it."""
    with told(lab, Event="Hangup") as ended:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ended.clear()
                channels = await lab.manager.entries("CoreShowChannels")
                if not any(channel["Channel"].startswith(kinds) for channel in channels):
                    return
                await ended.wait()


class Proxy:
    """A TCP way to the manager interface that can be cut, or go silent without a word."""

    def __init__(self, host, port):
        self._to = (host, port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers = set()
        self._server = None
        self.port = 0

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *_exc):
        self._flowing.set()
        await self.cut()

    async def open(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self):
        """Break all connections and refuse new ones."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def freeze(self):
        """Let nothing through any more; the sockets stay open."""
        self._flowing.clear()

    def thaw(self):
        self._flowing.set()

    async def _serve(self, reader, writer):
        to_reader, to_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, to_writer}
        try:
            await asyncio.gather(self._pump(reader, to_writer), self._pump(to_reader, writer))
        except (ConnectionError, asyncio.CancelledError):
            pass  # cut
        finally:
            self._writers -= {writer, to_writer}
            writer.transport.abort()
            to_writer.transport.abort()

    async def _pump(self, reader, writer):
        while data := await reader.read(65536):
            await self._flowing.wait()
            writer.write(data)
        writer.close()
