"""How fast calls are found among many, and how fast the caller's card is there."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy import Connection, Engine, insert, select

from agent_console import users
from agent_console.access import API, COOKIE
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.history import index
from agent_console.settings import ConsoleSettings
from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.ids import stable_id
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.schema import calls, segments
from metrics.settings import MetricsSettings
from metrics.synthetic import HistoryPlan, write_history

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it, and of how much."""

_DAYS = 30
_FIRST = date(2026, 10, 1)
_BATCH = 500
_SEGMENTS = 8
_RARE_EVERY = 997
_QUERIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("common word", {"q": "预约"}),
    ("two characters", {"q": "投诉"}),
    ("rare word", {"q": "白癜风"}),
    ("two words", {"q": "退费 医保"}),
    ("no such word", {"q": "量子力学"}),
    ("word and queue", {"q": "投诉", "queue": "report"}),
    ("word and severity", {"q": "预约", "severity": "high"}),
    ("no word, all calls", {}),
    ("queue and outcome", {"queue": "insurance", "outcome": "answered"}),
)
_OPENINGS = ("您好，这里是市第一医院，请问有什么可以帮您？", "您好，导医台，请讲。")
_THINGS = ("预约挂号", "检查报告", "医保报销", "住院手续", "退费", "专家号", "体检套餐", "核酸证明")
_CLOSINGS = ("请问还有其他可以帮您的吗？", "好的，祝您早日康复，再见。")
_MOODS = ("我要投诉", "太慢了", "谢谢你", "我很着急", "听不清", "麻烦你了")


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of question: how often it was asked, and how long the answer took."""

    what: str
    asked: int
    p50_ms: float
    p95_ms: float


def make_calls(file: Path, wanted: int, progress: Progress) -> int:
    """Write calls with their transcripts into a new store; returns how many there are."""
    engine = open_engine(sqlite_url(file))
    progress("calls", 0, wanted)
    written = write_history(engine, HistoryPlan(wanted, _FIRST, _DAYS, MetricsSettings().zone))
    progress("calls", written, written)
    with engine.connect() as connection:
        answered = (
            select(calls.c.call_id, calls.c.answered_at)
            .where(calls.c.answered_at.is_not(None))
            .order_by(calls.c.joined_at)
        )
        known = [(row.call_id, row.answered_at) for row in connection.execute(answered)]
    chance = random.Random(1)  # noqa: S311 - made-up calls, not secrets
    for begin in range(0, len(known), _BATCH):
        with engine.begin() as connection:
            for number, (call_id, at) in enumerate(known[begin : begin + _BATCH], begin):
                _speak(connection, call_id, at, number, chance)
        progress("transcripts", min(begin + _BATCH, len(known)), len(known))
    engine.dispose()
    return written


def _speak(
    connection: Connection, call_id: str, at: float, number: int, chance: random.Random
) -> None:
    lines = [chance.choice(_OPENINGS)]
    lines += [
        f"我想问一下{chance.choice(_THINGS)}的事，{chance.choice(_MOODS)}，编号{chance.randrange(9999)}。"
        for _ in range(_SEGMENTS - 2)
    ]
    if number % _RARE_EVERY == 0:
        lines.append("想挂白癜风专科。")
    lines.append(chance.choice(_CLOSINGS))
    connection.execute(
        insert(segments),
        [
            {
                "segment_id": stable_id("bench", call_id, place),
                "call_id": call_id,
                "leg_id": "",
                "role": "customer" if place % 2 else "agent",
                "start": place * 5.0,
                "end": place * 5.0 + 4.0,
                "text": text,
                "language": "zh",
                "confidence": 0.9,
                "level_db": -20.0,
                "at": at + place * 5.0,
            }
            for place, text in enumerate(lines)
        ],
    )
    index.add_call(connection, call_id)


async def measure(file: Path, rounds: int) -> list[Found]:
    """Ask the API, in this process, each question `rounds` times."""
    engine = open_engine(sqlite_url(file))
    counters = Counters()
    context = ConsoleContext.build(
        ConsoleSettings(), Bus(counters), SystemClock(), counters, engine
    )
    with engine.begin() as connection:
        if users.find_user(connection, "bench") is None:
            users.create_user(connection, "bench", None, "lead", now=0.0)
    token, _ = context.sessions.open("bench", "lead")
    transport = httpx.ASGITransport(create_app(context))
    found = []
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.test") as client:
        client.cookies.set(COOKIE, token)
        for what, query in _QUERIES:
            paths = [f"{API}/calls?{httpx.QueryParams(query)}"] * rounds
            found.append(await _ask(client, what, paths))
        pops = [f"{API}/calls/{call_id}/caller" for call_id in _some_calls(engine, rounds)]
        found.append(await _ask(client, "screen pop", pops))
    engine.dispose()
    return found


async def _ask(client: httpx.AsyncClient, what: str, paths: list[str]) -> Found:
    times = []
    for path in paths:
        began = time.perf_counter()
        answer = await client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
        await asyncio.sleep(0)
    p50, p95 = np.percentile(times, [50, 95])
    return Found(what, len(paths), round(float(p50), 1), round(float(p95), 1))


def _some_calls(engine: Engine, number: int) -> list[str]:
    with engine.connect() as connection:
        known = connection.scalars(
            select(calls.c.call_id).order_by(calls.c.joined_at.desc()).limit(number * 50)
        ).all()
    return list(known[::50])
