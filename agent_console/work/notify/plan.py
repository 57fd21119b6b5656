"""Who is pushed what: pure functions over people, targets and a time.

A push says which alert, of which kind and how severe, and where to look: never who called, what
was said or to whom. It has no field that could carry more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal

from agent_console.work.settings import ChainStep, NotifySettings
from qa_engine.events import Severity

Subject = Literal["alert", "complaint", "service"]

_NAMES: dict[Severity, str] = {
    "critical": "特急 critical",
    "high": "紧急 high",
    "medium": "注意 medium",
    "low": "一般 low",
    "info": "提示 info",
}
_PAGES: dict[Subject, str] = {
    "alert": "/watch?alert=",
    "complaint": "/complaints/",
    "service": "/wallboard?alert=",
}
_SUBJECTS: dict[Subject, str] = {
    "alert": "告警 alert",
    "complaint": "投诉 complaint",
    "service": "服务 service",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told. `level` 0 is the first word, higher ones are escalations.

    `queue` and `agent` decide who may hear of it; they are not pushed.
    """

    subject: Subject
    id: str
    kind: str
    severity: Severity
    queue: str
    agent: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a push may tell, for who finds words of his own: a browser does.

    `subject` is one of `Subject`, or `trial`.
    """

    subject: str
    id: str
    kind: str
    severity: Severity
    level: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out: in words, and as facts."""

    title: str
    body: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of the day until another, over midnight when the second is the smaller.

    The same time twice means no quiet hours at all.
    """

    start: time
    end: time

    def hold(self, at: time) -> bool:
        """Whether this time of the day is among them; the end is not."""
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, slots=True)
class Target:
    """One service of one user, and for which severities."""

    target_id: str
    username: str
    severities: frozenset[Severity]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with targets. `sees` is whether the notice's call is this user's to see."""

    username: str
    role: str
    targets: tuple[Target, ...]
    quiet: QuietHours | None
    sees: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Which targets are pushed to, and how many were kept back by quiet hours."""

    targets: tuple[Target, ...]
    kept_back: int


def message(notice: Notice, public_url: str) -> Message:
    """The words of a push: id, kind, severity, link, and nothing else."""
    again = f" · 升级 escalation {notice.level}" if notice.level else ""
    lines = [
        f"kind: {notice.kind}",
        f"severity: {notice.severity}",
        f"id: {notice.id}",
    ]
    if public_url:
        lines.append(f"{public_url}{_PAGES[notice.subject]}{notice.id}")
    return Message(
        f"听诊 {_SUBJECTS[notice.subject]} · {_NAMES[notice.severity]}{again}",
        "\n".join(lines),
        Facts(notice.subject, notice.id, notice.kind, notice.severity, notice.level),
    )


def plan(notice: Notice, people: Sequence[Person], settings: NotifySettings, now: datetime) -> Plan:
    """Decide who is pushed a notice.

    The first word goes to everybody who may see the call and wants this severity; an escalation
    goes to the people of its level of the chain, whatever severities they chose. Quiet hours keep
    back what is not urgent. What is urgent goes through, or, where the settings say so, to the
    next of the chain who is not quiet; when all are, it goes through.

    Args:
        notice: what is to be told.
        people: all who have targets.
        settings: urgency and the chain.
        now: local time of the hospital.
    """
    urgent = notice.severity in settings.urgent_severities or notice.kind in settings.urgent_kinds
    if notice.level:
        addressed = _of_step(_step(settings.chain, notice.level), people)
        wanted = {person.username: person.targets for person in addressed}
    else:
        wanted = {person.username: _wants(person, notice) for person in people if person.sees}
    awake, asleep = _by_quiet([p for p in people if wanted.get(p.username)], now)
    chosen = [target for person in awake for target in wanted[person.username]]
    quiet = [target for person in asleep for target in wanted[person.username]]
    if not quiet:
        return Plan(tuple(chosen), 0)
    if not urgent:
        return Plan(tuple(chosen), len(quiet))
    if settings.urgent_when_quiet == "escalate":
        others = _next_awake(people, settings.chain[notice.level :], now)
        known = {target.target_id for target in chosen}
        others = [target for target in others if target.target_id not in known]
        if chosen or others:
            return Plan((*chosen, *others), len(quiet))
    return Plan((*chosen, *quiet), 0)


def _wants(person: Person, notice: Notice) -> tuple[Target, ...]:
    return tuple(target for target in person.targets if notice.severity in target.severities)


def _step(chain: Sequence[ChainStep], level: int) -> ChainStep:
    return chain[min(level, len(chain)) - 1] if chain else ChainStep()


def _of_step(step: ChainStep, people: Iterable[Person]) -> list[Person]:
    # A role's people hear of their own calls only; a named one is there for all of them.
    return [
        person
        for person in people
        if person.username in step.users or (person.role in step.roles and person.sees)
    ]


def _next_awake(
    people: Sequence[Person], chain: Sequence[ChainStep], now: datetime
) -> list[Target]:
    for step in chain:
        awake, _ = _by_quiet(_of_step(step, people), now)
        if awake:
            return [target for person in awake for target in person.targets]
    return []


def _by_quiet(people: Iterable[Person], now: datetime) -> tuple[list[Person], list[Person]]:
    awake: list[Person] = []
    asleep: list[Person] = []
    for person in people:
        quiet = person.quiet is not None and person.quiet.hold(now.time())
        (asleep if quiet else awake).append(person)
    return awake, asleep
