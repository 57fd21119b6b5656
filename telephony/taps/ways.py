"""Ways to have one side of a call sent to the audio server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from backbone.media import Role
from telephony.ami.client import AmiError, AmiReply
from telephony.backoff import Backoff
from telephony.legs.leg import Leg
from telephony.legs.server import LegServer
from telephony.link import Talk
from telephony.settings import PbxSettings
from telephony.taps.ari import AriClient, AriError, AriEvent, AriGoneError, Direction, trust
from telephony.waiting import until

if TYPE_CHECKING:
    from backbone.clock import Clock
    from backbone.counters import Counters

_log = structlog.get_logger(__name__)

_STASIS_WITHIN_S = 5.0
_AUDIO_WITHIN_S = 5.0
_DIRECTION: dict[Role, Direction] = {"customer": "in", "agent": "out"}
"""Both are heard on the caller's channel: it lives from the first queue to the last transfer."""

_WIDEBAND = ("g722", "opus", "slin16", "siren", "silk16", "speex16", "amrwb")


class TapWay(Protocol):
    """How Asterisk is asked. `up` is set while asking can succeed; `detail` says why it cannot."""

    up: asyncio.Event
    detail: str

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep what is needed for asking, until cancelled; call `changed` when `up` changes."""
        ...

    async def ask(self, call_id: str, uniqueid: str, leg: Leg) -> str:
        """Have a leg sent that the server expects; return why it does not come, or nothing.

        `gone` means that there is nothing to tap any more; other reasons may pass.
        """
        ...


class SnoopWay:
    """ARI snoop on the caller's channel, handed to the dialplan's AudioSocket()."""

    def __init__(self, settings: PbxSettings, clock: Clock, counters: Counters) -> None:
        self.up = asyncio.Event()
        self.detail = ""
        self._settings = settings
        self._clock = clock
        self._counters = counters
        self._ari: AriClient | None = None
        self._started: dict[str, asyncio.Event] = {}

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep our application connected: without it Asterisk would end a snoop at once."""
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_longest_s)

        def connected() -> None:
            self.detail = ""
            self.up.set()
            backoff.reset()
            changed()

        tls = await trust(self._settings.ari)
        while True:
            try:
                secret = self._settings.ari_secret()
                async with AriClient(self._settings.ari, secret, tls) as client:
                    self._ari = client
                    await client.listen(connected, self._heard)
            except (AriError, ValueError) as error:
                if str(error) != self.detail:
                    _log.warning("taps_down", system=self._settings.system, detail=str(error))
                self.detail = str(error)
            finally:
                self.up.clear()
                self._ari = None
            self._counters.add("ari_disconnects", system=self._settings.system)
            changed()
            await self._clock.sleep(backoff.next())

    def _heard(self, event: AriEvent) -> None:
        if event.type == "StasisStart" and event.channel is not None:
            started = self._started.get(event.channel.id)
            if started is not None:
                started.set()

    async def ask(self, call_id: str, uniqueid: str, leg: Leg) -> str:  # noqa: ARG002 - the protocol's
        """Snoop, wait until the snoop is ours, export it, wait for audio."""
        ari = self._ari
        if ari is None:
            return "no_ari"
        started = self._started[leg.leg_id] = asyncio.Event()
        try:
            await ari.snoop(uniqueid, _DIRECTION[leg.role], leg.leg_id)
            if await until(started, _STASIS_WITHIN_S):
                await ari.export(leg.leg_id)
                if await until(leg.opened, _AUDIO_WITHIN_S):
                    return ""
        except AriGoneError:
            return "gone"
        except AriError as error:
            _log.warning("tap_failed", system=self._settings.system, detail=str(error))
        finally:
            del self._started[leg.leg_id]
        return "error"


class SpiedPbx(Protocol):
    """What the ChanSpy way needs of a PBX; `telephony.link.PbxLink` is one."""

    def talk(self, call_id: str) -> Talk | None:
        """Who talks in a call now."""
        ...

    async def send_action(
        self, name: str, *, timeout_s: float = 5.0, followed_by: str = "", **fields: str
    ) -> AmiReply:
        """Have Asterisk do something."""
        ...


class ChanSpyWay:
    """AMI Originate of a media channel that spies on one party, for sites without ARI.

    Each party is heard on its own channel (`o`), so the agent's leg holds no hold music but ends
    with the agent's channel. A party that sends no RTP sends no frames: the leg is timed by
    arrival. Needs the AMI right to originate.
    """

    def __init__(self, settings: PbxSettings, pbx: SpiedPbx, server: LegServer) -> None:
        self.up = asyncio.Event()
        self.detail = ""
        self._settings = settings
        self._pbx = pbx
        self._server = server

    async def run(self, changed: Callable[[], None]) -> None:
        """Nothing has to be kept: the manager connection is the link's."""
        self.up.set()
        changed()
        await asyncio.get_running_loop().create_future()

    async def ask(self, call_id: str, uniqueid: str, leg: Leg) -> str:
        """Originate the spy and wait for audio."""
        talk = self._pbx.talk(call_id)
        if talk is None:
            return "gone"
        spied = uniqueid if leg.role == "customer" else talk.agent_id
        leg.by_arrival = True
        try:
            reply = await self._pbx.send_action(
                "Originate",
                Channel=self._server.channel(leg.leg_id, await self._format(spied)),
                Application="ChanSpy",
                Data=f"{spied},uqoES",
                Async="true",
                Timeout="5000",
                ChannelId=f"tingzhen-{leg.leg_id}",
                Variable="CDR_PROP(disable)=1",
            )
        except AmiError as error:
            self.detail = str(error)
            return "error"
        if not reply.ok:
            self.detail = f"Asterisk refused to originate: {reply.message}"
            _log.warning("tap_failed", system=self._settings.system, detail=self.detail)
            return "error"
        self.detail = ""
        return "" if await until(leg.opened, _AUDIO_WITHIN_S) else "error"

    async def _format(self, channel_id: str) -> str:
        """16 kHz where the channel has it."""
        reply = await self._pbx.send_action(
            "Getvar", Channel=channel_id, Variable="CHANNEL(audionativeformat)"
        )
        native = reply.response.get("Value").lower()
        return "slin16" if any(name in native for name in _WIDEBAND) else "slin"
