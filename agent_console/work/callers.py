"""Who calls: the card that pops up while the phone rings. Functions take a Connection.

A caller is known by the number, which stands in `calls` only; the card is kept under a pseudonym
of it, so that it tells nobody a number.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import msgspec
from sqlalchemy import Connection, func, select

from agent_console.work import complaints, register
from agent_console.work.complaints import Complaint
from agent_console.work.register import StoredRecord
from agent_console.work.secrets import Keyring
from backbone.store.rows import replace_row
from backbone.store.schema import calls
from backbone.store.tables.guidance import call_topics
from backbone.store.tables.work import caller_cards
from metrics.first_contact import WITHHELD

PAST_CALLS = 10
MOST_COMPLAINTS = 20

_tags = msgspec.json.Decoder(tuple[str, ...]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What people wrote about a caller. `version` 0: nobody has."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    version: int = 0
    by: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """An earlier visit; times in seconds since the epoch, `talk_s` in seconds."""

    call_id: str
    queue: str
    agent: str
    outcome: str | None
    joined_at: float
    talk_s: float | None
    topic: str
    topic_title: str
    topic_title_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """All that is known of a caller while the phone rings.

    `number` and `name` are as the PBX says. `calls` counts all earlier visits,
    `past_calls` are the newest of them. `caller_id` is empty where the number was withheld.
    """

    call_id: str
    caller_id: str
    number: str
    name: str
    card: Card
    calls: int
    past_calls: list[PastCall]
    open_complaints: list[Complaint]
    last_register: StoredRecord | None

    def masked(self, number: str, name: str) -> Caller:
        """The same with another number and name."""
        return replace(self, number=number, name=name)


def caller_id_of(keyring: Keyring, number: str) -> str:
    """The pseudonym of a number; empty for one that was withheld."""
    number = number.strip()
    return "" if number.lower() in WITHHELD else keyring.pseudonym(number)


def number_of(connection: Connection, call_id: str) -> str | None:
    """The number that made a call; None when there is no such call."""
    found = connection.scalar(select(calls.c.caller).where(calls.c.call_id == call_id))
    return None if found is None else str(found)


def find(connection: Connection, keyring: Keyring, call_id: str) -> Caller | None:
    """The caller of a call; None when there is no such call."""
    call = connection.execute(
        select(calls.c.caller, calls.c.caller_name, calls.c.joined_at).where(
            calls.c.call_id == call_id
        )
    ).first()
    if call is None:
        return None
    number = call.caller.strip()
    caller_id = caller_id_of(keyring, number)
    known = bool(caller_id)
    return Caller(
        call_id=call_id,
        caller_id=caller_id,
        number=number,
        name=call.caller_name,
        card=card_of(connection, caller_id) if known else Card(),
        calls=_count(connection, call.caller, call.joined_at) if known else 0,
        past_calls=_past(connection, call.caller, call.joined_at) if known else [],
        open_complaints=(
            complaints.open_of_caller(connection, caller_id, MOST_COMPLAINTS) if known else []
        ),
        last_register=(
            register.last_of_caller(connection, caller_id, but=call_id) if known else None
        ),
    )


def card_of(connection: Connection, caller_id: str) -> Card:
    """A caller's card; an empty one when nobody wrote any."""
    row = connection.execute(
        select(caller_cards).where(caller_cards.c.caller_id == caller_id)
    ).first()
    if row is None:
        return Card()
    return Card(
        name=row.name,
        tags=_tags(row.tags),
        note=row.note,
        version=row.version,
        by=row.by,
        at=row.at,
    )


def write_card(connection: Connection, caller_id: str, card: Card) -> None:
    """Put a card in place of the one before it."""
    row = asdict(card)
    row["tags"] = msgspec.json.encode(card.tags).decode()
    replace_row(connection, caller_cards, {"caller_id": caller_id, **row})


def _count(connection: Connection, number: str, before: float) -> int:
    query = select(func.count()).where(calls.c.caller == number, calls.c.joined_at < before)
    return connection.scalar(query) or 0


def _past(connection: Connection, number: str, before: float) -> list[PastCall]:
    query = (
        select(
            calls,
            call_topics.c.topic,
            call_topics.c.title.label("topic_title"),
            call_topics.c.title_en.label("topic_title_en"),
        )
        .outerjoin(call_topics, call_topics.c.call_id == calls.c.call_id)
        .where(calls.c.caller == number, calls.c.joined_at < before)
        .order_by(calls.c.joined_at.desc())
        .limit(PAST_CALLS)
    )
    return [
        PastCall(
            call_id=row.call_id,
            queue=row.queue,
            agent=row.agent,
            outcome=row.outcome,
            joined_at=row.joined_at,
            talk_s=row.talk_s,
            topic=row.topic or "",
            topic_title=row.topic_title or "",
            topic_title_en=row.topic_title_en or "",
        )
        for row in connection.execute(query)
    ]
