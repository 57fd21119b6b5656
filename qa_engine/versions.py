"""Which rules and which guidance were in force when: a chain in which no edit can go unseen.

Each row's hash is SHA-256 over the hash of the row before it and the row's own canonical JSON, as
on the audit chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from backbone.audit import GENESIS
from backbone.events import Event
from backbone.store.journal import Projection
from backbone.store.tables.rules import rule_versions
from qa_engine.events import RulesVersioned
from qa_engine.guidance.content import FOLDER, Guidance
from qa_engine.pack import Pack

_GUIDANCE = f"/{FOLDER}"
"""How the pack's name ends where guidance is meant; no pack of rules may be named so."""

_HASHED = ("number", "at", "pack", "version", "digest", "files", "rules")


class RulesVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version, and what it changed in the one before it of its kind, rules or guidance.

    `first` is the first of its kind: all of it was added. `whole` is false from the first row on
    that does not fit the chain.
    """

    number: int
    at: float
    pack: str
    version: str
    digest: str
    hash: str
    files_changed: list[str]
    added: list[str]
    removed: list[str]
    changed: list[str]
    whole: bool
    first: bool = False


def versioned(pack: Pack, at: float) -> RulesVersioned:
    """The event that says that a pack is in force from `at` on."""
    return RulesVersioned(
        at=at,
        pack=pack.name,
        version=pack.version,
        digest=pack.digest,
        files=dict(pack.files),
        rules=dict(pack.digests),
    )


def guidance_versioned(guidance: Guidance, at: float) -> RulesVersioned:
    """The event that says that guidance is in force from `at` on."""
    return RulesVersioned(
        at=at,
        pack=f"{guidance.pack}{_GUIDANCE}",
        version=guidance.version,
        digest=guidance.digest,
        files=dict(guidance.files),
        rules=dict(guidance.digests),
    )


def chained(previous: str, row: Mapping[str, Any]) -> str:
    """The hash of a row of the chain, over that of the one before it and its own content."""
    content = {name: row[name] for name in _HASHED}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous.encode("ascii") + canonical.encode()).hexdigest()


def _append(connection: Connection, seq: int, event: Event) -> None:
    del seq
    assert isinstance(event, RulesVersioned)  # noqa: S101 - the table below pairs them
    columns = rule_versions.c
    newest = select(columns.number, columns.digest, columns.hash).order_by(columns.number.desc())
    guides = columns.pack.endswith(_GUIDANCE, autoescape=True)
    same_kind = newest.where(guides if event.pack.endswith(_GUIDANCE) else ~guides)
    before = connection.execute(same_kind.limit(1)).first()
    if before is not None and before.digest == event.digest:
        return  # the node was only started again
    last = connection.execute(newest.limit(1)).first()
    row = {
        "number": 1 if last is None else last.number + 1,
        "at": event.at,
        "pack": event.pack,
        "version": event.version,
        "digest": event.digest,
        "files": json.dumps(event.files, sort_keys=True),
        "rules": json.dumps(event.rules, sort_keys=True),
    }
    previous = GENESIS if last is None else last.hash
    connection.execute(
        insert(rule_versions).values(**row, previous=previous, hash=chained(previous, row))
    )


PROJECTIONS: dict[type[Event], tuple[Projection, ...]] = {RulesVersioned: (_append,)}
"""What the journal writes into the chain."""


def versions(connection: Connection) -> list[RulesVersion]:
    """All versions, the newest first, each compared with the one before it of its kind."""
    rows = connection.execute(select(rule_versions).order_by(rule_versions.c.number)).mappings()
    return list(_compared(dict(row) for row in rows))[::-1]


def version_in_force(connection: Connection, at: float) -> str:
    """The version of the rules that calls were judged by which began then; empty: not known."""
    columns = rule_versions.c
    query = (
        select(columns.version)
        .where(~columns.pack.endswith(_GUIDANCE, autoescape=True), columns.at <= at)
        .order_by(columns.number.desc())
        .limit(1)
    )
    return connection.scalar(query) or ""


def _compared(rows: Iterable[Mapping[str, Any]]) -> Iterable[RulesVersion]:
    head, whole = GENESIS, True
    old: dict[bool, tuple[dict[str, str], dict[str, str]]] = {}
    for number, row in enumerate(rows, 1):
        whole = (
            whole
            and row["number"] == number
            and row["previous"] == head
            and row["hash"] == chained(head, row)
        )
        files, rules = json.loads(row["files"]), json.loads(row["rules"])
        kind = row["pack"].endswith(_GUIDANCE)
        first = kind not in old
        old_files, old_rules = old.get(kind, ({}, {}))
        yield RulesVersion(
            **{name: row[name] for name in ("number", "at", "pack", "version", "digest", "hash")},
            files_changed=sorted(
                name for name in files | old_files if files.get(name) != old_files.get(name)
            ),
            added=sorted(rules.keys() - old_rules.keys()),
            removed=sorted(old_rules.keys() - rules.keys()),
            changed=sorted(
                rule for rule in rules.keys() & old_rules.keys() if rules[rule] != old_rules[rule]
            ),
            whole=whole,
            first=first,
        )
        head = row["hash"]
        old[kind] = files, rules
