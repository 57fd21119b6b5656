"""From the end of a phrase in the audio to the websocket frame, in real time.

Two ways: the demo's calls, three or four at a time, where everything is the real system but the
PBX; or each bundled call by itself through a real Asterisk. A client of the live page takes the
time of each alert frame. When a phrase ended is told by the final transcript's times of characters.
Alerts on silence and on figures of the call have no phrase, and rules that give an answer time
wait on purpose: both are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx
import msgspec
from pydantic import SecretStr
from websockets.asyncio.client import connect

from asr.events import LegTranscribed
from asr.live_bench import ROLES, calls_in
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.bus import Subscription
from backbone.clock import SystemClock
from backbone.events import Event
from qa_engine.operators.when import WhenRule
from qa_engine.operators.words import WordsRule
from qa_engine.pack import DEFAULT_PACK, load
from telephony.events import TapHealth
from telephony.settings import AriSettings, AudioSocketSettings, PbxSettings
from tingzhen.demo.people import let_in
from tingzhen.demo.play import DemoOptions, DemoView, demo_folder, play
from tingzhen.lab.addresses import LabAddresses
from tingzhen.lab.hotline import PlannedCall, play_one
from tingzhen.lab.scenario import Lab
from tingzhen.node import running_node
from tingzhen.settings import Settings

Stage = Literal["final", "provisional", "first"]

_READY_WITHIN_S = 30.0
_SETTLE_S = 1.0
"""Rules look at the clock that often, at least, once the last words are known."""


class AlertTime(NamedTuple):
    """How long an alert took, in seconds: its own frame, and whichever a page showed first."""

    rule: str
    final: float
    first: float


@dataclass(slots=True)
class Latencies:
    """Seconds from the end of each phrase to its frame; what became of provisional alerts.

    Stages: `final` is the alert itself, `provisional` the one before it, where there was one, and
    `first` whichever a page showed first. A provisional alert is timed by the alert that confirms
    it, which knows better when the phrase ended.
    """

    seconds: dict[Stage, list[float]] = field(
        default_factory=lambda: {"final": [], "provisional": [], "first": []}
    )
    alerts: list[AlertTime] = field(default_factory=list)
    """Each alert by itself, in the order of their frames."""
    patient: frozenset[str] = frozenset()
    """Rules that give something time to be said; their alerts are counted in `waited`."""
    doubting: frozenset[str] = frozenset()
    """Rules that give words which only sound alike time to be taken back: likewise of those."""
    confirmed: int = 0
    withdrawn: int = 0
    waited: int = 0
    _answered: dict[str, float] = field(default_factory=dict)
    _provisional: dict[str, float] = field(default_factory=dict)

    def take(self, message: Mapping[str, Any], now: float) -> None:
        """Take in a frame that came at `now` (seconds since the epoch)."""
        match message["type"]:
            case "call_connected":
                self._answered.setdefault(message["call_id"], message["at"])
            case "provisional_alert":
                self._provisional[message["alert_id"]] = now
            case "alert_withdrawn":
                self.withdrawn += 1
            case "alert" if message["rule"] in self.patient:
                self.waited += 1
            case "alert" if message["rule"] in self.doubting and message["suspected"]:
                self.waited += 1
            case "alert" if message["phrase"] and message["call_id"] in self._answered:
                self._alert(self._answered[message["call_id"]] + message["end"], message, now)

    def _alert(self, spoken_at: float, message: Mapping[str, Any], now: float) -> None:
        final = first = now - spoken_at
        earlier = self._provisional.pop(message.get("confirms") or "", None)
        if earlier is not None:
            self.confirmed += 1
            first = earlier - spoken_at
            self.seconds["provisional"].append(first)
        self.seconds["final"].append(final)
        self.seconds["first"].append(first)
        self.alerts.append(AlertTime(message["rule"], final, first))


def _latencies() -> Latencies:
    rules = load(DEFAULT_PACK).rules
    return Latencies(
        patient=frozenset(r.id for r in rules if not isinstance(r, WordsRule | WhenRule)),
        doubting=frozenset(
            r.id for r in rules if isinstance(r, WordsRule) and r.settle and r.settle.waits
        ),
    )


async def measure_demo(asr: AsrSettings, recogniser: Recogniser, rounds: int) -> Latencies:
    """Play the demo's calls so many times, and listen as a lead's page.

    Raises:
        UserError: the demo cannot run here.
    """
    found = _latencies()
    for _ in range(rounds):
        await _round(asr, recogniser, found)
    return found


async def measure_lab(
    asr: AsrSettings, recogniser: Recogniser, rounds: int, told: Callable[[str], None]
) -> Latencies:
    """Place each bundled call so many times in a real Asterisk, one after another.

    Args:
        asr: settings of recognition.
        recogniser: loaded.
        rounds: how often each call is placed.
        told: called with the id of each call when it begins.

    Raises:
        UserError: a node cannot run here.
        InstallError: there is no Asterisk, and it cannot be installed here.
    """
    found = _latencies()
    folder = demo_folder() / "calls"
    with tempfile.TemporaryDirectory(prefix="tingzhen-latency-") as data:
        async with Lab.up() as lab:
            settings = Settings(
                data_dir=Path(data),
                pbx=[_pbx(lab.addresses)],
                asr=asr,
                console={"port": 0},
            )
            async with running_node(settings, SystemClock(), recogniser) as node:
                heard = node.bus.subscribe("bench", TapHealth, LegTranscribed)
                async with asyncio.timeout(_READY_WITHIN_S):
                    await _next(heard, lambda event: isinstance(event, TapHealth) and event.up)
                assert node.console is not None  # noqa: S101 - the settings have one
                links = await asyncio.to_thread(let_in, node.console)
                address, _, token = links["lead"].partition("/#t=")
                async with _listening(address, token, found):
                    for call in calls_in(folder) * rounds:
                        told(call)
                        await play_one(lab, folder, _planned(call))
                        for _ in ROLES:
                            await _next(heard, lambda event: isinstance(event, LegTranscribed))
                        await node.clock.sleep(_SETTLE_S)
    return found


def _planned(call: str) -> PlannedCall:
    return PlannedCall(at_s=0, queue="support", agent="1001", ring_s=1, audio=call)


async def _next(heard: Subscription, wanted: Callable[[Event], bool]) -> None:
    async for envelope in heard:
        if wanted(envelope.event):
            return


def _pbx(where: LabAddresses) -> PbxSettings:
    return PbxSettings(
        system="lab",
        host=where.ami_host,
        port=where.ami_port,
        username=where.ami_user,
        secret=SecretStr(where.ami_secret),
        ari=AriSettings(
            url=where.ari_url, username=where.ari_user, secret=SecretStr(where.ari_secret)
        ),
        audiosocket=AudioSocketSettings(host=where.audiosocket_host, port=where.audiosocket_port),
    )


async def _round(asr: AsrSettings, recogniser: Recogniser, found: Latencies) -> None:
    link: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    options = DemoOptions(speed=1.0, once=True, browser=False, port=0, asr=asr)
    view = DemoView(
        started=lambda links: link.set_result(links["lead"]),
        alert=lambda _alert: None,
        ended=lambda _ended: None,
    )
    async with asyncio.TaskGroup() as tasks:
        playing = tasks.create_task(play(options, recogniser, view))
        address, _, token = (await link).partition("/#t=")
        async with _listening(address, token, found):
            await asyncio.wait({playing})


@contextlib.asynccontextmanager
async def _listening(address: str, token: str, found: Latencies) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers={"Origin": address}) as http:
        (await http.post("/login/link", json={"token": token})).raise_for_status()
        ticket = (await http.post("/ws-ticket")).raise_for_status().json()["ticket"]
        url = f"{address.replace('http', 'ws', 1)}/api/v1/live?ticket={ticket}"
        async with connect(url, origin=address, max_size=None) as socket:  # type: ignore[arg-type]  # a str will do

            async def listen() -> None:
                async for frame in socket:
                    now = time.time()
                    found.take(msgspec.json.decode(frame), now)

            listening = asyncio.create_task(listen())
            try:
                yield
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
