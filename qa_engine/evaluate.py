"""What was found in a scripted call against what is in it: recall and precision by kind.

The rules: a finding is right when an event of the same kind, by the same side, stands in the same
utterance. A risk kind next to a labelled utterance of the same customer is no clear error,
because a complaint goes on over several sentences and only its plainest one is labelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from qa_engine.events import Alert, Hit
from qa_engine.kinds import UNLABELLED, class_of

SLACK_S = 0.5
"""Speech times of a recogniser and of a script differ by that much at most."""


class Utterance(msgspec.Struct, frozen=True):
    """What one side said in one go, in seconds from the start of the recording."""

    role: str
    start: float
    end: float
    text: str


class Planned(msgspec.Struct, frozen=True):
    """What should, or must not, be found in an utterance (its index)."""

    kind: str
    role: str
    start: float
    end: float
    utterance: int
    phrase: str = ""


class Truth(msgspec.Struct, frozen=True):
    """A scripted call."""

    id: str
    duration: float
    agent_compliant: bool
    utterances: list[Utterance]
    events: list[Planned]
    must_not: list[Planned]


def read_truth(raw: bytes) -> Truth:
    """Read a scripted call's JSON.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(raw, type=Truth)


@dataclass(slots=True)
class Score:
    """Counts of one kind."""

    planned: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float | None:
        """Found of planned; None when none was planned."""
        return self.found / self.planned if self.planned else None

    @property
    def precision(self) -> float | None:
        """Right of all findings that count; None when there was none."""
        total = self.right + self.wrong
        return self.right / total if total else None

    def add(self, other: Score) -> None:
        """Add another call's counts."""
        self.planned += other.planned
        self.found += other.found
        self.right += other.right
        self.wrong += other.wrong


@dataclass(slots=True)
class Evaluation:
    """One call, or several added up."""

    scores: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    missed: list[Planned] = field(default_factory=list)
    wrong: list[Hit | Alert] = field(default_factory=list)
    forbidden: list[tuple[Planned, Hit | Alert]] = field(default_factory=list)
    """Entries of `must_not` that were found all the same."""

    def add(self, other: Evaluation) -> None:
        """Add another call."""
        for kind, score in other.scores.items():
            self.scores[kind].add(score)
        self.missed += other.missed
        self.wrong += other.wrong
        self.forbidden += other.forbidden

    def total(self, kinds: Iterable[str] | None = None) -> Score:
        """All kinds, or some, added up."""
        return total(self.scores, kinds)


def total(scores: Mapping[str, Score], kinds: Iterable[str] | None = None) -> Score:
    """Scores by kind added up: of all kinds, or of some."""
    added = Score()
    for kind in scores if kinds is None else kinds:
        if kind in scores:
            added.add(scores[kind])
    return added


def evaluate(truth: Truth, findings: Sequence[Hit | Alert]) -> Evaluation:
    """Compare the findings of one call with its truth.

    Figures of the call itself are left out, and kinds that scripted calls are not labelled by.
    """
    result = Evaluation()
    spoken = [f for f in findings if f.role != "call" and f.kind not in UNLABELLED]
    for event in truth.events:
        score = result.scores[event.kind]
        score.planned += 1
        if any(_answers(truth, f, event) for f in spoken):
            score.found += 1
        else:
            result.missed.append(event)
    for finding in spoken:
        score = result.scores[finding.kind]
        if any(_answers(truth, finding, event) for event in truth.events):
            score.right += 1
        elif not _tolerated(truth, finding):
            score.wrong += 1
            result.wrong.append(finding)
        for entry in truth.must_not:
            if _same(finding, entry) and _overlap(finding, entry.start, entry.end, slack=0.0):
                result.forbidden.append((entry, finding))
    return result


def _same(finding: Hit | Alert, planned: Planned) -> bool:
    return finding.kind == planned.kind and finding.role == planned.role


def _overlap(finding: Hit | Alert, start: float, end: float, slack: float = SLACK_S) -> bool:
    return finding.start < end + slack and start - slack < finding.end


def _answers(truth: Truth, finding: Hit | Alert, event: Planned) -> bool:
    if not _same(finding, event):
        return False
    if _overlap(finding, event.start, event.end):
        return True
    utterance = truth.utterances[event.utterance]
    return utterance.role == event.role and _overlap(finding, utterance.start, utterance.end)


def _tolerated(truth: Truth, finding: Hit | Alert) -> bool:
    if class_of(finding.kind, finding.role) != "risk":
        return False
    own = [u for u in truth.utterances if u.role == finding.role]
    for event in truth.events:
        if not _same(finding, event):
            continue
        labelled = truth.utterances[event.utterance]
        if labelled not in own:
            continue
        at = own.index(labelled)
        if any(_overlap(finding, u.start, u.end) for u in own[max(0, at - 1) : at + 2]):
            return True
    return False
