"""How fast a console answers over many stored calls: searches, lists, the caller's card, articles.

The questions are asked of the real application in this process, one after another, as a user whose
role and teams the question names. What is measured is the whole answer, from the request to its
JSON; a network is not in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from sqlalchemy import Connection, func, select

from agent_console import teams, users
from agent_console.access import API, COOKIE
from agent_console.app import create_app
from agent_console.context import ConsoleContext
from agent_console.settings import ConsoleSettings
from agent_console.work.desk import Desk
from agent_console.work.settings import WorkSettings
from backbone.bus import Bus
from backbone.clock import SystemClock
from backbone.counters import Counters
from backbone.store.schema import alerts, calls
from tingzhen.past.people import known_callers
from tingzhen.past.store import PastStore
from tingzhen.past.talk import COMMON, RARE, TWO_CHARACTERS, UNSAID

_USERS = {"bench-lead": "", "bench-team": "bench-small"}
"""A lead who sees everything, and one with a team of one small queue."""
_SMALL_QUEUE = "complaint"
_DEEP_PAGES = 40
_PAGE = 50
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked. `deep` asks for the page after so many others."""

    what: str
    path: str
    query: Mapping[str, str]
    user: str = "bench-lead"
    deep: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of question: how often it was asked, how long the answer took, how many items."""

    what: str
    asked: int
    items: int
    p50_ms: float
    p95_ms: float
    worst_ms: float


def _searches(last: float, agent: str) -> Iterator[Question]:
    """Over calls; `last` is the time of the newest (epoch seconds), `agent` took one in many."""
    day = {"from": str(last - _DAY_S), "to": str(last)}
    for what, query in (
        ("common word", {"q": COMMON}),
        ("two characters", {"q": TWO_CHARACTERS}),
        ("one character", {"q": "挂"}),
        ("letters", {"q": "ct"}),
        ("rare word", {"q": RARE}),
        ("two words", {"q": "退费 医保"}),
        ("a sentence", {"q": "我想问一下退费的事"}),
        ("no such word", {"q": UNSAID}),
        ("word and queue", {"q": TWO_CHARACTERS, "queue": "report"}),
        ("word and severity", {"q": COMMON, "severity": "high"}),
        ("word and rare kind", {"q": COMMON, "kind": "red_line"}),
        ("word and one agent", {"q": COMMON, "agent": agent}),
        ("word and one day", {"q": COMMON, **day}),
        ("word, oldest day", {"q": COMMON, "to": str(last - 29 * _DAY_S)}),
        ("word and what no call has", {"q": COMMON, "agent": agent, "min_talk_s": "7000"}),
        ("all calls", {}),
        ("queue and outcome", {"queue": "insurance", "outcome": "answered"}),
        ("agent and rare kind", {"agent": agent, "kind": "red_line"}),
        ("rare kind", {"kind": "red_line"}),
        ("long talks", {"min_talk_s": "1500"}),
        ("what no call has", {"agent": agent, "outcome": "timeout", "min_talk_s": "7000"}),
    ):
        yield Question(what, "/calls", query)
    yield Question("common word, deep page", "/calls", {"q": COMMON}, deep=_DEEP_PAGES)
    yield Question("all calls, deep page", "/calls", {}, deep=_DEEP_PAGES)
    yield Question("of a small team", "/calls", {}, "bench-team")
    yield Question("common word of a small team", "/calls", {"q": COMMON}, "bench-team")
    yield Question("alerts of a word", "/alerts", {"q": "禁语"})
    yield Question("alerts of a small team", "/alerts", {"severity": "critical"}, "bench-team")
    for what, words in (("two characters", "押金"), ("two words", "核磁 门诊"), ("one", "医")):
        yield Question(f"articles, {what}", "/knowledge", {"q": words})
    yield Question("open complaints", "/complaints", {"state": "open"})
    yield Question("registers", "/registers", {})


async def measure(store: PastStore, rounds: int) -> AsyncIterator[Found]:
    """Ask each question so many times; then who called in so many different calls.

    Yields:
        What was found of each question, as soon as it is known.
    """
    engine = store.open()
    counters, clock = Counters(), SystemClock()
    bus = Bus(counters)
    desk = Desk.build(WorkSettings(), bus, clock, key_file=store.folder / "console.key")
    context = ConsoleContext.build(ConsoleSettings(), bus, clock, counters, engine, desk=desk)
    with engine.begin() as connection:
        _let_in(connection)
        last, agent = _landmarks(connection)
        known = [_last_call(connection, one.number) for one in known_callers(connection, rounds)]
        newest = connection.scalars(
            select(calls.c.call_id).order_by(calls.c.joined_at.desc()).limit(rounds * 50)
        ).all()[::50]
    tokens = {user: context.sessions.open(user, "lead")[0] for user in _USERS}
    transport = httpx.ASGITransport(create_app(context))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://bench.test") as client:
            for question in _searches(last, agent):
                client.cookies = httpx.Cookies({COOKIE: tokens[question.user]})
                url = await _url(client, question)
                yield await _ask(client, question.what, [url] * rounds)
            client.cookies = httpx.Cookies({COOKIE: tokens["bench-lead"]})
            for what, ids in (
                ("caller with past calls and a complaint", known),
                ("caller of any new call", newest),
            ):
                yield await _ask(client, what, [f"{API}/calls/{name}/caller" for name in ids])
    finally:
        engine.dispose()


async def _url(client: httpx.AsyncClient, question: Question) -> str:
    """The address of what is asked for, behind as many pages as the question wants."""
    query = {**question.query, "limit": str(_PAGE)}
    if question.path == "/knowledge":
        del query["limit"]
    for _ in range(question.deep):
        page = (await client.get(API + question.path, params=query)).raise_for_status().json()
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    return f"{API}{question.path}?{httpx.QueryParams(query)}"


async def _ask(client: httpx.AsyncClient, what: str, urls: Sequence[str]) -> Found:
    times = []
    items = 0
    for url in urls:
        began = time.perf_counter()
        answer = await client.get(url)
        times.append((time.perf_counter() - began) * 1000)
        found = answer.raise_for_status().json()
        items = len(found.get("items", ())) if isinstance(found, dict) else len(found)
        await asyncio.sleep(0)
    p50, p95 = (round(float(part), 1) for part in np.percentile(times, [50, 95]))
    return Found(what, len(urls), items, p50, p95, round(max(times), 1))


def _let_in(connection: Connection) -> None:
    teams.put_team(connection, teams.Team(team="bench-small", queues=(_SMALL_QUEUE,), agents=()))
    for name, team in _USERS.items():
        if users.find_user(connection, name) is None:
            mine = (team,) if team else ()
            users.create_user(connection, name, None, "lead", now=0.0, teams=mine)


def _landmarks(connection: Connection) -> tuple[float, str]:
    """When the newest call came, and an agent with an alert of the rarest kind."""
    last = connection.scalar(select(func.max(calls.c.joined_at)))
    rare = connection.scalar(select(alerts.c.agent).where(alerts.c.kind == "red_line").limit(1))
    return float(last or 0.0), rare or "PJSIP/1001"


def _last_call(connection: Connection, number: str) -> str:
    mine = select(calls.c.call_id).where(calls.c.caller == number)
    return str(connection.scalar(mine.order_by(calls.c.joined_at.desc()).limit(1)))
