"""First-contact resolution by the repeat-call window: who did not have to call again.

FCR_W = 1 − (answered calls whose caller called again within W) / (answered calls older than W).
It is final only for calls older than W (matured); a value over younger calls (provisional) can
only fall. A disposition-coded FCR, where the agent states the outcome, stands beside this one;
SQM Group's and COPC's surveys describe both.

Limits: a withheld number cannot be matched and is left out; several people behind one switchboard
look like one caller, so such numbers should be ignored by a setting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

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
        return 1.0 - self.repeated / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Resolution:
    """FCR for one window: final over calls older than it, provisional over all calls."""

    matured: FirstContact
    provisional: FirstContact


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
    known = sorted(
        (c for c in contacts if c.at <= now and _is_a_person(c.caller, ignored)),
        key=attrgetter("caller", "at", "channel"),
    )
    matured = [0, 0]
    provisional = [0, 0]
    for _, visits in groupby(known, key=attrgetter("caller")):
        calls = list(visits)
        for index, call in enumerate(calls):
            if not call.answered:
                continue
            repeated = _returned(call, calls, index, window_s)
            if now - window_s - period_s <= call.at <= now - window_s:
                matured[0] += 1
                matured[1] += repeated
            if now - period_s <= call.at:
                provisional[0] += 1
                provisional[1] += repeated
    return Resolution(FirstContact(*matured), FirstContact(*provisional))


def _returned(call: Contact, calls: list[Contact], index: int, window_s: float) -> bool:
    for later in calls[index + 1 :]:
        if later.at - call.at > window_s:
            return False
        if later.channel != call.channel:
            return True
    return False


def _is_a_person(caller: str, ignored: Collection[str]) -> bool:
    return caller.strip().lower() not in WITHHELD and caller not in ignored
