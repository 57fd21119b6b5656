"""First-contact resolution by the repeat-call window: who did not have to call again.

FCR_W = 1 − (answered calls whose caller called again within W) / (answered calls older than W).
It is final only for calls older than W (matured); a value over younger calls (provisional) can
only fall. A disposition-coded FCR, where the agent states the outcome, stands beside this one;
SQM Group's and COPC's surveys describe both.

Limits: a withheld number cannot be matched and is left out; several people behind one switchboard
look like one caller, so such numbers should be ignored by a setting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, Protocol, TypeVar

from metrics import kpi

WITHHELD = frozenset(
    {"", "anonymous", "unknown", "restricted", "unavailable", "private", "<unknown>"}
)
"""What stands for a number when a caller or a network hides it (compared in lower case)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One queue visit, as far as FCR needs it; `at` is its joining in epoch seconds.

    `channel` is the caller's channel: a caller transferred back into a queue is a second visit
    on the same channel, not a second call.
    """

    caller: str
    at: float
    answered: bool
    channel: str


@dataclass(frozen=True, slots=True)
class FirstContact:
    """Answered calls that could be judged, and those followed by another call of the caller."""

    answered: int
    repeated: int

    @property
    def ratio(self) -> float | None:
        """FCR in 0..1; None when no call could be judged."""
        return kpi.first_contact_resolution(self.repeated, self.answered)


@dataclass(frozen=True, slots=True)
class Resolution:
    """FCR for one window: final over calls older than it, provisional over all calls."""

    matured: FirstContact
    provisional: FirstContact


class KnownVisit(Protocol):
    """What tells one person's visits apart; see `Contact`."""

    @property
    def caller(self) -> str:
        """The number."""
        ...

    @property
    def at(self) -> float:
        """Its joining, in epoch seconds."""
        ...

    @property
    def channel(self) -> str:
        """The caller's channel."""
        ...


_Visit = TypeVar("_Visit", bound=KnownVisit)


class Neighbours(NamedTuple):
    """Whether the caller had called within the window before, and did so again within it."""

    repeat: bool
    returned: bool


def neighbours(
    visits: Iterable[_Visit], *, window_s: float, ignored: Collection[str] = ()
) -> Iterator[tuple[_Visit, Neighbours | None]]:
    """Lay each visit beside its caller's others; only one caller's are held at a time.

    Args:
        visits: sorted by caller and time.
        window_s: W, in seconds; exactly W apart still counts as within.
        ignored: numbers that several people share.

    Yields:
        Every visit, with None where the number is withheld or shared.
    """
    for caller, group in groupby(visits, key=attrgetter("caller")):
        if not _is_a_person(caller, ignored):
            yield from ((visit, None) for visit in group)
            continue
        calls = list(group)
        for index, visit in enumerate(calls):
            earlier = (calls[i] for i in range(index - 1, -1, -1))
            later = (calls[i] for i in range(index + 1, len(calls)))
            yield (
                visit,
                Neighbours(_near(visit, earlier, window_s), _near(visit, later, window_s)),
            )


def first_contact_resolution(
    contacts: Iterable[Contact],
    *,
    window_s: float,
    now: float,
    period_s: float,
    ignored: Collection[str] = (),
) -> Resolution:
    """Judge the answered calls of a period by whether the caller came back within the window.

    Args:
        contacts: queue visits since `now − window_s − period_s`, in any order.
        window_s: W, in seconds; a return exactly W later still counts as one.
        now: epoch seconds. Visits after it are not looked at.
        period_s: how many seconds of calls are judged: the matured value those that joined in
            [now − W − period, now − W], the provisional one those in [now − period, now].
        ignored: numbers that several people share.

    Returns:
        Both values. An unanswered return counts as a return (the caller needed to call again);
        an unanswered call is not judged itself.
    """
    past = sorted((c for c in contacts if c.at <= now), key=attrgetter("caller", "at", "channel"))
    matured = [0, 0]
    provisional = [0, 0]
    for call, found in neighbours(past, window_s=window_s, ignored=ignored):
        if found is None or not call.answered:
            continue
        if now - window_s - period_s <= call.at <= now - window_s:
            matured[0] += 1
            matured[1] += found.returned
        if now - period_s <= call.at:
            provisional[0] += 1
            provisional[1] += found.returned
    return Resolution(FirstContact(*matured), FirstContact(*provisional))


def _near(visit: KnownVisit, others: Iterable[KnownVisit], window_s: float) -> bool:
    """Whether one of the others, nearest first, is another call within the window."""
    for other in others:
        if abs(other.at - visit.at) > window_s:
            return False
        if other.channel != visit.channel:
            return True
    return False


def _is_a_person(caller: str, ignored: Collection[str]) -> bool:
    return caller.strip().lower() not in WITHHELD and caller not in ignored
