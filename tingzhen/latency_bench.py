"""From the end of a phrase in the audio to the websocket frame: the demo's calls, in real time.

Everything is the real system but the PBX. A client of the live page takes the time of each alert
frame. When a phrase ended is told by the final transcript's times of characters; alerts on silence
and on figures of the call have no phrase and are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import msgspec
from websockets.asyncio.client import connect

from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from tingzhen.demo.play import DemoOptions, DemoView, play

Stage = Literal["final", "provisional", "first"]


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
    confirmed: int = 0
    withdrawn: int = 0
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


async def measure(asr: AsrSettings, recogniser: Recogniser, rounds: int) -> Latencies:
    """Play the demo's calls so many times, with provisional alerts, and listen as a lead's page.

    Raises:
        UserError: the demo cannot run here.
    """
    found = Latencies()
    for _ in range(rounds):
        await _round(asr, recogniser, found)
    return found


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
