"""How many sentences of each kind the rules find, and how many harmless ones they take for bad.

Each sentence is said in the middle of a call of its own, as text. A finding counts by its kind and
side, whatever rule made it; findings of what the other side failed to say do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from backbone.errors import UserError
from backbone.media import Role
from qa_engine.evaluate import Score, total
from qa_engine.events import Hit
from qa_engine.kinds import class_of
from qa_engine.pack import Pack
from qa_engine.rehearsal import conversation, judge_events

GRAVE = ("red_line", "medical_emergency", "self_harm_risk")
"""Red lines and emergencies: what must be found before all else."""

_OF_THE_FRAME = frozenset({"missing_greeting", "missing_closing", "dead_air"})


class Wordings(BaseModel):
    """Sentences that are something."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    role: Role
    sentences: list[str]


class WordingsFile(BaseModel):
    """What people say, and what is to be found in it; nothing in `ordinary`."""

    model_config = ConfigDict(extra="forbid")

    said: list[Wordings] = []
    ordinary: dict[Role, list[str]] = Field(default_factory=dict)


@dataclass(slots=True)
class WordingsResult:
    """Counts by kind; `wrong` counts harmless sentences in which the kind was found."""

    scores: dict[str, Score] = field(default_factory=dict)
    missed: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    ordinary: int = 0

    def total(self, kinds: Iterable[str] | None = None) -> Score:
        """All kinds, or some, added up."""
        return total(self.scores, kinds)

    def ordered(self) -> Iterator[tuple[str, Score]]:
        """Red lines and emergencies first, the rest by name."""
        for kind in sorted(self.scores, key=lambda kind: (kind not in GRAVE, kind)):
            yield kind, self.scores[kind]


def read_wordings(path: Path) -> WordingsFile:
    """Read a file of sentences.

    Raises:
        UserError: it cannot be read, or is none.
    """
    try:
        return WordingsFile.model_validate(YAML(typ="safe").load(path.read_text("utf-8")))
    except (OSError, YAMLError, UnicodeDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"{path} is no file of wordings: {first}") from error


def find_wordings(pack: Pack, file: WordingsFile) -> WordingsResult:
    """Judge every sentence by a pack."""
    result = WordingsResult()
    for wordings in file.said:
        score = result.scores.setdefault(wordings.kind, Score())
        for sentence in wordings.sentences:
            score.planned += 1
            if wordings.kind in _kinds(pack, wordings.role, sentence):
                score.found += 1
                score.right += 1
            else:
                result.missed.append((wordings.kind, sentence))
    for role, sentences in file.ordinary.items():
        result.ordinary += len(sentences)
        for sentence in sentences:
            for kind in _kinds(pack, role, sentence):
                if class_of(kind, role) in {"violation", "risk"}:
                    result.scores.setdefault(kind, Score()).wrong += 1
                    result.wrong.append((kind, sentence))
    return result


def _kinds(pack: Pack, role: Role, sentence: str) -> set[str]:
    other: Role = "agent" if role == "customer" else "customer"
    events = conversation("wording", [(other, "您说一下。"), (role, sentence)])
    return {
        verdict.kind
        for verdict in judge_events(pack, "wording", events)
        if isinstance(verdict, Hit)
        and verdict.role == role
        and verdict.kind not in _OF_THE_FRAME
        and verdict.evidence.span is not None
    }
