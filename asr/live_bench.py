"""Many calls at once in real time, and what recognising them costs.

Latencies are measured against an ideal clock, on which each sample is spoken when the recording
says: whatever delays a text, a busy event loop included, counts.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.cer import ErrorRate, character_errors
from asr.events import (
    AsrHealth,
    AudioGap,
    LegTranscribed,
    SpeechStarted,
    SpeechStopped,
    TranscriptFinal,
    TranscriptPartial,
)
from asr.machine import Usage
from asr.offline import FilePlayer
from asr.recognisers.base import HasWorkers, Recogniser
from asr.service import Transcriber
from asr.settings import AsrSettings
from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.events import Event
from backbone.ids import new_id
from backbone.media import LegClosed, LegOpened, Role

ROLES: tuple[Role, ...] = ("agent", "customer")

_APART_S = 1.7  # callers do not all begin at once
_OUTPUT_EVENTS = 100_000


@dataclass(slots=True)
class _Heard:
    """What was published, as it came."""

    opened: dict[tuple[str, Role], LegOpened] = field(default_factory=dict)
    audio_s: float = 0.0
    ended: set[str] = field(default_factory=set)
    first_partials: dict[str, float] = field(default_factory=dict)
    partials: int = 0
    finals: dict[str, TranscriptFinal] = field(default_factory=dict)
    repeated: int = 0
    last_end: dict[str, float] = field(default_factory=dict)  # of each leg's last final
    disordered: int = 0
    gaps: int = 0
    finished: int = 0
    health: AsrHealth | None = None
    worst_lag_s: float = 0.0
    overloaded: bool = False

    def take(self, event: Event) -> None:
        match event:
            case LegOpened():
                self.opened[event.call_id, event.role] = event
            case LegClosed():
                opened = self.opened[event.call_id, event.role]
                self.audio_s += event.samples / opened.rate
            case SpeechStopped():
                self.ended.add(event.segment_id)
            case TranscriptPartial():
                self.partials += 1
                late = event.at - self._spoken(event.call_id, event.role, event.start)
                self.first_partials.setdefault(event.segment_id, late)
            case TranscriptFinal():
                self.repeated += event.segment_id in self.finals
                self.finals[event.segment_id] = event
                self.disordered += event.end < self.last_end.get(event.leg_id, event.end)
                self.last_end[event.leg_id] = event.end
            case AudioGap():
                self.gaps += 1
            case LegTranscribed():
                self.finished += 1
            case AsrHealth():
                self.health = event
                self.worst_lag_s = max(self.worst_lag_s, event.lag_s)
                self.overloaded |= event.overloaded
            case _:
                pass

    def _spoken(self, call_id: str, role: Role, start: float) -> float:
        return self.opened[call_id, role].at + start

    def delays(self) -> list[float]:
        """Seconds from the end of speech to each final."""
        return [
            final.at - self._spoken(final.call_id, final.role, final.end)
            for final in self.finals.values()
        ]


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """Median, 95th percentile and largest, in seconds; None when there are no values."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p95": None, "max": None}
    last = len(ordered) - 1
    return {
        "p50": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(last, round(0.95 * last))], 2),
        "max": round(ordered[-1], 2),
    }


def calls_in(folder: Path) -> list[str]:
    """The scripted calls of a folder, by name."""
    return sorted(path.stem for path in folder.glob("*.json"))


def said(folder: Path, call: str, role: Role) -> str:
    """What one side of a scripted call says, as it is spoken."""
    truth = json.loads((folder / f"{call}.json").read_text(encoding="utf-8"))
    return "".join(
        turn.get("spoken", turn["text"]) for turn in truth["utterances"] if turn["role"] == role
    )


async def bench_live(
    recogniser: Recogniser, settings: AsrSettings, folder: Path, *, legs: int, seconds: float
) -> dict[str, Any]:
    """Play calls in real time, each side a leg, and measure.

    Args:
        recogniser: loaded; worker processes of it are counted in.
        settings: of recognition; `partial_step_s` 0 for finals only.
        folder: scripted calls, `ID.json` with `ID.agent.flac` and `ID.customer.flac`.
        legs: heard at the same time, an even number.
        seconds: for so long a new call begins where one has ended; those begun end.

    Returns:
        Figures by name; times in seconds, memory in MB.
    """
    counters, clock, heard = Counters(), SystemClock(), _Heard()
    bus = Bus(counters)
    transcriber = Transcriber(settings, recogniser, bus, clock, counters)
    listening = bus.subscribe(
        "bench",
        LegOpened, LegClosed, SpeechStarted, SpeechStopped, AudioGap, TranscriptPartial,
        TranscriptFinal, LegTranscribed, AsrHealth,
        maxsize=_OUTPUT_EVENTS,
    )  # fmt: skip
    names = itertools.cycle(calls_in(folder))
    played: dict[str, str] = {}
    done = asyncio.Event()
    playing = True

    async def listen() -> None:
        async for envelope in listening:
            heard.take(envelope.event)
            if not playing and heard.finished == 2 * len(played):
                done.set()

    async def line(number: int) -> None:
        """One line of the call centre: call after call."""
        await clock.sleep(number * _APART_S)
        while True:
            name, call_id = next(names), new_id()
            played[call_id] = name
            files = {role: folder / f"{name}.{role}.flac" for role in ROLES}
            await FilePlayer(files, bus, clock, call_id=call_id, realtime=True).run()
            if time.monotonic() - began >= seconds:
                return

    workers = recogniser.workers.pids if isinstance(recogniser, HasWorkers) else ()
    before, began = Usage.now(workers), time.monotonic()
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(transcriber.run()), group.create_task(listen())]
        async with asyncio.TaskGroup() as lines:
            for number in range(legs // 2):
                lines.create_task(line(number))
        playing = False
        if heard.finished < 2 * len(played):
            await done.wait()
        for task in running:
            task.cancel()
    listening.close()
    after = Usage.now(workers)
    errors = _errors(folder, played, heard.finals.values())
    health = transcriber.health()
    cpu_s = after.cpu_s - before.cpu_s
    return {
        "legs": legs,
        "partial_step_s": settings.partial_step_s,
        "calls": len(played),
        "wall_s": round(time.monotonic() - began, 1),
        "audio_s": round(heard.audio_s, 1),
        "cer": round(errors.rate, 4),
        "final_s": spread(heard.delays()),
        "first_partial_s": spread(heard.first_partials.values()),
        "segments": len(heard.ended),
        "finals": len(heard.finals),
        "lost": len(heard.ended - heard.finals.keys()),
        "repeated": heard.repeated,
        "out_of_order": heard.disordered,
        "late": health.late,
        "audio_gaps": heard.gaps,
        "frames_dropped": _dropped(counters),
        "partials": heard.partials,
        "partials_skipped": health.partials_skipped,
        "redecoded": health.redecodes,
        "unintelligible": sum(final.unintelligible for final in heard.finals.values()),
        "overloaded": heard.overloaded,
        "caught_up": not health.overloaded,
        "decoded_ahead": health.ahead,
        "ahead_in_vain": health.ahead_wasted,
        "finals_spooled": counters.get("asr_finals_spooled"),
        "worst_lag_s": round(heard.worst_lag_s, 2),
        "cpu_per_audio_s": round(cpu_s / heard.audio_s, 4),
        "cpu_node_s": round(after.own_cpu_s - before.own_cpu_s, 1),
        "cpu_workers_s": round(cpu_s - after.own_cpu_s + before.own_cpu_s, 1),
        "peak_memory_mb": round(after.peak_mb),
        "workers": len(workers),
        "workers_replaced": health.workers_replaced,
    }


def _dropped(counters: Counters) -> int:
    return sum(
        number
        for (name, labels), number in counters.snapshot().items()
        if name == "asr_unannounced_frames"
        or (name == "bus_dropped" and ("subscriber", "asr") in labels)
    )


def _errors(folder: Path, played: dict[str, str], finals: Iterable[TranscriptFinal]) -> ErrorRate:
    texts: dict[tuple[str, Role], list[TranscriptFinal]] = {}
    for final in finals:
        texts.setdefault((final.call_id, final.role), []).append(final)
    errors = ErrorRate(0, 0)
    for call_id, name in played.items():
        for role in ROLES:
            own = sorted(texts.get((call_id, role), ()), key=lambda final: final.start)
            heard = "".join(final.text for final in own)
            errors += character_errors(said(folder, name, role), heard)
    return errors
