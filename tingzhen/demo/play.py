"""Runs the demo: a node as on any site, with the two stand-ins in place of Asterisk."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import tempfile
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from asr.audio_file import AudioFile
from asr.events import AsrHealth
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import Clock, ScaledClock, SystemClock
from qa_engine.events import Alert
from telephony.events import CallEnded, PbxHealth, TapHealth
from telephony.settings import AriSettings, AudioSocketSettings, PbxSettings
from tingzhen.demo.ami_stand_in import AmiStandIn
from tingzhen.demo.ari_stand_in import AriStandIn, PlayableLeg, Side
from tingzhen.demo.people import let_in
from tingzhen.demo.tape import Tape, load_tape
from tingzhen.lab.addresses import unused_port
from tingzhen.node import Node, running_node
from tingzhen.settings import Settings

_SECRET = "recorded"  # noqa: S105 - of a stand-in on loopback that lives as long as the demo
_FIRST_CALL_AFTER_S = 1.0
_BETWEEN_ROUNDS_S = 8.0
_READY_WITHIN_S = 30.0
_SETTLE_S = 2.0

_SIDE_ROLE: dict[Side, str] = {"in": "customer", "out": "agent"}


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    speed: float
    once: bool
    browser: bool
    port: int
    asr: AsrSettings


@dataclass(frozen=True, slots=True)
class DemoView:
    """How the demo talks to whoever started it; `started` gets the users' one-time links."""

    started: Callable[[Mapping[str, str]], None]
    alert: Callable[[Alert], None]
    ended: Callable[[CallEnded], None]


class RecordedPbx:
    """Both stand-ins and the recording they play."""

    def __init__(self, clock: Clock, tape: Tape) -> None:
        self._clock = clock
        self._recorded = tape
        self._playing = tape
        self._audiosocket = ("127.0.0.1", unused_port())
        self._ami = AmiStandIn(clock, "tingzhen", _SECRET)
        self._ari = AriStandIn(clock, self._audiosocket, self._find_leg)

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[PbxSettings]:
        """Listen, and say how to connect."""
        async with self._ami.serve(), self._ari.serve():
            yield PbxSettings(
                system="demo",
                host="127.0.0.1",
                port=self._ami.port,
                username="tingzhen",
                secret=SecretStr(_SECRET),
                # Seconds of a clock that may run faster than this machine's.
                ping_period_s=self._clock.rate,
                dead_after_s=4 * self._clock.rate,
                ari=AriSettings(url=self._ari.url, username="tingzhen", secret=SecretStr(_SECRET)),
                audiosocket=AudioSocketSettings(
                    host=self._audiosocket[0], port=self._audiosocket[1]
                ),
            )

    async def play(self) -> None:
        """Play the recording once, from now."""
        self._playing = self._recorded.moved_to(self._clock.time() + _FIRST_CALL_AFTER_S)
        await self._ami.play(self._playing)

    def _find_leg(self, uniqueid: str, side: Side) -> PlayableLeg | None:
        for call in self._playing.calls:
            if call.uniqueid == uniqueid and call.answered_at is not None:
                samples = _leg_samples(call.audio, _SIDE_ROLE[side])
                return PlayableLeg(samples, call.answered_at, call.ended_at)
        return None


@functools.cache
def _leg_samples(audio: str, role: str) -> np.ndarray:
    with resources.as_file(demo_folder() / "calls" / f"{audio}.{role}.flac") as path:
        return np.frombuffer(b"".join(AudioFile(path)), "<i2")


def demo_folder() -> Path:
    """Where the recordings are."""
    return Path(str(resources.files("tingzhen.demo")))


async def play(options: DemoOptions, recogniser: Recogniser, view: DemoView) -> None:
    """Run the demo until it is stopped, or with `once` until the last call has been judged.

    Raises:
        UserError: the console's port is taken.
        TapeError: the recording is damaged.
    """
    clock: Clock = SystemClock() if options.speed == 1.0 else ScaledClock(options.speed)
    pbx = RecordedPbx(clock, load_tape(demo_folder() / "hotline.ami"))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="tingzhen-demo-") as folder:
        async with pbx.serve() as pbx_settings:
            settings = Settings(
                data_dir=Path(folder),
                pbx=[pbx_settings],
                asr=options.asr,
                # As mappings, so that the environment may still say which host to listen on.
                recording={"enabled": True},  # in a folder that goes with the demo
                console={"port": options.port},
                work={"seed_knowledge": True},
            )
            async with (
                running_node(settings, clock, recogniser) as node,
                asyncio.TaskGroup() as tasks,
            ):
                reporting = tasks.create_task(_report(node.bus, view))
                playing = tasks.create_task(_rounds(node, pbx, options, view))
                stopping = tasks.create_task(stop.wait())
                await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for task in (playing, stopping, reporting):
                    task.cancel()


async def _rounds(node: Node, pbx: RecordedPbx, options: DemoOptions, view: DemoView) -> None:
    health = node.bus.subscribe("demo", PbxHealth, TapHealth, AsrHealth)
    async with asyncio.timeout(_READY_WITHIN_S):
        up: set[type] = set()
        async for envelope in health:
            match envelope.event:
                case AsrHealth(ready=True) | PbxHealth(up=True) | TapHealth(up=True):
                    up.add(type(envelope.event))
            if len(up) == 3:  # noqa: PLR2004 - all of them
                break
    assert node.console is not None  # noqa: S101 - the demo's settings have one
    links = await asyncio.to_thread(let_in, node.console)
    view.started(links)
    if options.browser:
        # Some openers wait for the browser to be closed: not in the loop's thread.
        threading.Thread(target=webbrowser.open, args=(links["lead"],), daemon=True).start()
    while True:
        await pbx.play()
        if options.once:
            break
        await node.clock.sleep(_BETWEEN_ROUNDS_S)
    await node.clock.sleep(_SETTLE_S)
    async for envelope in health:  # recognition may still be at the last words
        if isinstance(envelope.event, AsrHealth) and envelope.event.queued == 0:
            break
    await node.clock.sleep(_SETTLE_S)


async def _report(bus: Bus, view: DemoView) -> None:
    async for envelope in bus.subscribe("demo_report", Alert, CallEnded):
        match envelope.event:
            case Alert() as alert:
                view.alert(alert)
            case CallEnded() as ended:
                view.ended(ended)
