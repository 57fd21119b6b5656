"""What is allowed in a pack and yet most likely a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_engine.conditions.models import Condition, RegexCondition
from qa_engine.kinds import KINDS
from qa_engine.operators.step import StepRule
from qa_engine.operators.when import WhenRule
from qa_engine.pack.compiled import Entry, File, Pack, entries, slots_of
from qa_engine.pack.problems import Problem
from qa_engine.phrases import Phrase
from qa_engine.text import normalise

_SYNTAX = re.compile(r"\\[pP]\{[^}]*\}|\\.|\(\?P?<\w+>|\(\?[a-zA-Z]+[:)]|\{[^}]*\}")
"""What of a pattern is no text to be found: classes, escapes, names, flags, counts."""


def lint(files: Sequence[File], pack: Pack) -> Iterator[Problem]:
    """Warnings of a pack that compiles."""
    searched = {name for rule in pack.rules for name in rule.groups()}
    used = searched | _named_in_phrases(files)
    slots = slots_of(files)
    seen: dict[Phrase, tuple[str, str]] = {}
    for file in files:
        for name, words in file.model.lists.items():
            place = ("lists", name)
            if not words.words:
                yield file.source.problem(place, "holds no words", warning=True)
            if name not in used:
                yield file.source.problem(place, "no rule uses it", warning=True)
            for entry in entries(file.source, name, words, slots)[0]:
                yield from _word(entry, name, pack, seen)
                if name in searched and entry.phrase.shortest == 1:
                    reason = f"`{entry.word.text}`: one character is found in too many other words"
                    yield file.source.problem(entry.path, reason, warning=True)
        yield from _kinds(file)
        for number, rule in enumerate(file.model.rules):
            if isinstance(rule, WhenRule):
                for pattern in _patterns(rule.find):
                    yield from _never_matched(file, number, pattern)


def _patterns(condition: Condition) -> Iterator[str]:
    if isinstance(condition, RegexCondition):
        yield condition.pattern
        if condition.unless is not None:
            yield condition.unless
    for part in condition.parts():
        yield from _patterns(part)


def _never_matched(file: File, number: int, pattern: str) -> Iterator[Problem]:
    """What stands in a pattern as no text does once it is normalised."""
    for char in dict.fromkeys(_SYNTAX.sub("", pattern)):
        known = normalise(char).text
        if char.isalnum() and char not in known:
            instead = f"write `{known}`" if known else "it is left out"
            reason = f"`{char}` is never found in normalised text: {instead}"
            yield file.source.problem(("rules", number, "find"), reason, warning=True)


def _named_in_phrases(files: Sequence[File]) -> set[str]:
    lists = (words for file in files for words in file.model.lists.values())
    return {name for words in lists for name in words.named()}


def _word(
    entry: Entry, name: str, pack: Pack, seen: dict[Phrase, tuple[str, str]]
) -> Iterator[Problem]:
    def warn(reason: str) -> Problem:
        return entry.file.problem(entry.path, f"`{entry.word.text}`: {reason}", warning=True)

    phrase = entry.phrase
    earlier = seen.get(phrase)
    if earlier is not None and earlier[0] == name:
        yield warn(f"stands in this list already, as `{earlier[1]}`")
    seen.setdefault(phrase, (name, entry.word.text))
    for wording in phrase.literals() or (phrase.example(),):
        if not pack.index.scan(wording).hits(name):
            yield warn(f"never found: an `unless` hides `{wording}`")
            break


def _kinds(file: File) -> Iterator[Problem]:
    for number, rule in enumerate(file.model.rules):
        kinds = [("kind", rule.kind)]
        if isinstance(rule, StepRule):
            kinds.append(("done_kind", rule.done_kind))
        for field, kind in kinds:
            if kind not in KINDS:
                reason = f"{kind} is none of the kinds that reports know"
                yield file.source.problem(("rules", number, field), reason, warning=True)
