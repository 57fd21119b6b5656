"""Who called in a made-up month: cards, open complaints, registers; and what agents can look up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from agent_console.events import ComplaintOpened, KnowledgeEdited
from agent_console.work import callers, storage
from agent_console.work.callers import Card
from agent_console.work.secrets import Keyring
from backbone.dispositions import CallRegistered
from backbone.events import Event
from backbone.ids import stable_id
from backbone.store.schema import calls
from metrics.first_contact import WITHHELD

KNOWN_CALLERS = 300
ARTICLES = 500
_HOUR_S = 3600.0
_TAGS = ("VIP", "听力不便", "慢病随访", "多次来电", "需英语")
_SUBJECTS = ("核磁检查", "胃镜", "医保异地备案", "住院押金", "产科建档", "疫苗接种", "报告打印")
_WHERE = ("门诊楼一层", "住院部二层", "急诊楼", "体检中心")
_AUTHOR = "bench"


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A number with a card, at least one open complaint and past calls."""

    number: str
    name: str
    tag: str
    calls: int


def known_callers(connection: Connection, number: int) -> list[KnownCaller]:
    """Those who called most; the same ones each time."""
    often = (
        select(calls.c.caller, func.count().label("calls"))
        .where(calls.c.caller.not_in(WITHHELD))
        .group_by(calls.c.caller)
        .order_by(func.count().desc(), calls.c.caller)
        .limit(number)
    )
    return [
        KnownCaller(row.caller, f"来电者{place:04}", _TAGS[place % len(_TAGS)], row.calls)
        for place, row in enumerate(connection.execute(often))
    ]


def write_people(engine: Engine, keyring: Keyring) -> None:
    """Write cards, complaints and registers of those who called most, and the knowledge base."""
    chance = random.Random(2)  # noqa: S311 - made-up people, not secrets
    with engine.begin() as connection:
        for caller in known_callers(connection, KNOWN_CALLERS):
            _write_caller(connection, keyring, caller)
        for article in _articles(chance):
            _project(connection, article)


def _write_caller(connection: Connection, keyring: Keyring, caller: KnownCaller) -> None:
    caller_id = callers.caller_id_of(keyring, caller.number)
    mine = select(calls).where(calls.c.caller == caller.number, calls.c.answered_at.is_not(None))
    last = connection.execute(mine.order_by(calls.c.joined_at.desc()).limit(1)).first()
    card = Card(
        name=caller.name, tags=(caller.tag,), note="家属代为来电。", version=1, by=_AUTHOR, at=1.0
    )
    callers.write_card(connection, caller_id, card)
    if last is None:
        return
    opened = ComplaintOpened(
        at=last.joined_at,
        complaint_id=stable_id("bench complaint", caller.number),
        call_id=last.call_id,
        alert_id="",
        card="yellow",
        caller_id=caller_id,
        queue=last.queue,
        agent=last.agent,
        text="等候时间太长，要求回电说明。",
        owner="",
        by=_AUTHOR,
        answer_due=last.joined_at + 12 * _HOUR_S,
        close_due=None,
    )
    _project(connection, opened)
    written = CallRegistered(
        at=last.joined_at + 300.0,
        call_id=last.call_id,
        version=1,
        queue=last.queue,
        agent=last.agent,
        caller_id=caller_id,
        by=_AUTHOR,
        complete=True,
        age=60,
        sex="female",
        address="",
        channel="phone",
        topic="appointment",
        need="预约核磁检查",
        outcome="booked",
        first_contact_resolved=True,
        follow_up_due=None,
    )
    _project(connection, written)


def _articles(chance: random.Random) -> Iterator[KnowledgeEdited]:
    for number in range(ARTICLES):
        subject, where = chance.choice(_SUBJECTS), chance.choice(_WHERE)
        yield KnowledgeEdited(
            at=float(number),
            article_id=stable_id("bench article", number),
            version=1,
            by=_AUTHOR,
            title=f"{subject}须知{number}",
            body=f"{subject}请到{where}办理，" * 20 + f"编号{number}，有疑问请拨打预约电话。",
            tags=(subject,),
            topic="",
            valid_from=None,
            valid_until=None,
            deleted=False,
        )


def _project(connection: Connection, event: Event) -> None:
    for projection in storage.PROJECTIONS[type(event)]:
        projection(connection, 0, event)
