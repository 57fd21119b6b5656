"""What the files of a pack's guidance have in common: strict models, and their phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from qa_engine import phrases
from qa_engine.pack.problems import Problem
from qa_engine.pack.reading import Path_, Source
from qa_engine.pack.schema import Unless
from qa_engine.phrases import Phrase, Slots
from qa_engine.words import Guard, Phonetic, WordGroup

ID = r"^[a-z][a-z0-9_]*$"


class Strict(BaseModel):
    """A thing that people write: nothing in it may be misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


@dataclass(slots=True)
class Wordings:
    """Collects the phrases of all files as groups of one index, with what is wrong in them."""

    groups: list[WordGroup] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        source: Source,
        path: Path_,
        name: str,
        texts: Sequence[str],
        unless: Unless | None = None,
        *,
        slots: Slots | None = None,
        phonetic: Phonetic = Phonetic.AUTO,
    ) -> None:
        """Take in the phrases at `path`; those that cannot be read become problems."""
        read = self._read(source, path, texts, slots)
        guards = () if unless is None else (self._guard(source, (*path[:-1], "unless"), unless),)
        self.groups.append(WordGroup(name, tuple(read), phonetic, guards))

    def _guard(self, source: Source, path: Path_, unless: Unless) -> Guard:
        def read(part: str) -> tuple[Phrase, ...]:
            return tuple(self._read(source, (*path, part), getattr(unless, part)))

        return Guard(read("within"), read("before"), read("after"), read("segment"), unless.reach)

    def _read(
        self, source: Source, path: Path_, texts: Sequence[str], slots: Slots | None = None
    ) -> list[Phrase]:
        done: list[Phrase] = []
        for number, text in enumerate(texts):
            try:
                phrase = phrases.parse(text, slots)
            except ValueError as error:
                self.problems.append(source.problem((*path, number), f"`{text}`: {error}"))
                continue
            if phrase in done:
                self.problems.append(
                    source.problem((*path, number), f"`{text}` stands here twice", warning=True)
                )
            done.append(phrase)
        return done
