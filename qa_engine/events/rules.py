"""Which rules are in force."""

from __future__ import annotations

from typing import ClassVar

from backbone.events import Delivery, Event


class RulesLoaded(Event, frozen=True, kw_only=True):
    """A rule pack is in force from now on, or was refused (`error`, the old one stays)."""

    delivery: ClassVar[Delivery] = Delivery.LATEST

    pack: str
    version: str
    rules: int
    error: str = ""


class RulesVersioned(Event, frozen=True, kw_only=True):
    """Rules of this content are in force from now on, or guidance (`pack` ends in `/guidance`).

    `digest` is SHA-256 over all files, `files` of each by name. `rules` are those of each rule as
    it was understood, its words included, by id; or of each part of the guidance, as
    `topic/refund`.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    pack: str
    version: str
    digest: str
    files: dict[str, str]
    rules: dict[str, str]
