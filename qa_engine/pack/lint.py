"""What is allowed in a pack and yet most likely a mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from qa_engine.conditions.models import AbsentCondition, Condition, RegexCondition, every
from qa_engine.kinds import KINDS
from qa_engine.operators.step import StepRule
from qa_engine.operators.when import WhenRule
from qa_engine.pack.compiled import Entry, File, Pack, entries, slots_of
from qa_engine.pack.problems import Problem, perhaps
from qa_engine.pack.schema import GUARDS, Unless, WordList
from qa_engine.phrases import Phrase, emptied
from qa_engine.sides import roles_of
from qa_engine.text import normalise

_SYNTAX = re.compile(r"\\[pP]\{[^}]*\}|\\.|\(\?P?<\w+>|\(\?[a-zA-Z]+[:)]|\{[^}]*\}")
"""What of a pattern is no text to be found: classes, escapes, names, flags, counts."""


_WIDE = re.compile("[（）｜＊＜＞＆]")
"""What an input method for Chinese writes in place of the notation's own characters."""

Place = tuple[int | str, ...]


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
            if name not in used and not file.included:
                yield file.source.problem(place, "no rule uses it", warning=True)
            for path, text in _texts(place, words):
                yield from _notation(file, path, text)
            for entry in entries(file.source, name, words, slots)[0]:
                yield from _word(entry, name, pack, seen)
                if name in searched and entry.phrase.shortest == 1:
                    reason = f"`{entry.word.text}`: one character is found in too many other words"
                    yield file.source.problem(entry.path, reason, warning=True)
        yield from _kinds(file)
        yield from _conditions(file)


def _conditions(file: File) -> Iterator[Problem]:
    for number, rule in enumerate(file.model.rules):
        if isinstance(rule, WhenRule):
            yield from _waits_for_the_other(file, number, rule.find)
            for pattern in _patterns(rule.find):
                yield from _never_matched(file, number, pattern)


def _patterns(condition: Condition) -> Iterator[str]:
    for part in every(condition):
        if isinstance(part, RegexCondition):
            yield part.pattern
            if part.unless is not None:
                yield part.unless


def _never_matched(file: File, number: int, pattern: str) -> Iterator[Problem]:
    """What stands in a pattern as no text does once it is normalised."""
    for char in dict.fromkeys(_SYNTAX.sub("", pattern)):
        known = normalise(char).text
        if char.isalnum() and char not in known:
            instead = f"write `{known}`" if known else "it is left out"
            reason = f"`{char}` is never found in normalised text: {instead}"
            yield file.source.problem(("rules", number, "find"), reason, warning=True)


def _waits_for_the_other(file: File, number: int, condition: Condition) -> Iterator[Problem]:
    """An absence that is told of a side which could not have said it."""
    if isinstance(condition, AbsentCondition):
        sides = condition.of.roles()
        if sides and sides.isdisjoint(roles_of(condition.role)):
            reason = f"`absent` waits for the {condition.role}, and `of` is said by the other side"
            yield file.source.problem(("rules", number, "find"), reason, warning=True)
    for part in condition.parts():
        yield from _waits_for_the_other(file, number, part)


def _texts(place: Place, words: WordList) -> Iterator[tuple[Place, str]]:
    """All that is written in a list in the notation of phrases, guards included, with its place."""
    yield from _guards((*place, "unless"), words.unless)
    for number, entry in enumerate(words.words):
        path = (*place, "words", number)
        if isinstance(entry, str):
            yield path, entry
        else:
            yield path, entry.text
            yield from _guards((*path, "unless"), entry.unless)


def _guards(place: Place, unless: Unless | None) -> Iterator[tuple[Place, str]]:
    for part in GUARDS if unless is not None else ():
        for number, text in enumerate(getattr(unless, part)):
            yield (*place, part, number), text


def _notation(file: File, path: Place, text: str) -> Iterator[Problem]:
    """What is read otherwise than it looks."""
    for option in emptied(text):
        reason = f"`{text}`: nothing is left of `{option}`, so that its group may be left out"
        yield file.source.problem(path, reason, warning=True)
    for char in dict.fromkeys(_WIDE.findall(text)):
        narrow = normalize("NFKC", char)
        reason = f"`{text}`: `{char}` is left out as punctuation; did you mean `{narrow}`?"
        yield file.source.problem(path, reason, warning=True)
    if "|" in _outside(text):
        reason = f"`{text}`: `|` offers alternatives in parentheses only: (a|b)"
        yield file.source.problem(path, reason, warning=True)


def _outside(text: str) -> str:
    """What stands in no parentheses."""
    outside, depth = "", 0
    for char in text:
        depth += (char == "(") - (char == ")")
        outside += "" if depth else char
    return outside


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
        scan = pack.index.scan(wording)
        if not scan.hits(name):
            # `(三|五)百` is 3百 in part and 300 in whole.
            rewritten = scan.text.text != wording.replace(" ", "")
            why = f"`{wording}` is matched on as `{scan.text.text}`"
            yield warn(f"never found: {why if rewritten else f'an `unless` hides `{wording}`'}")
            break


def _kinds(file: File) -> Iterator[Problem]:
    for number, rule in enumerate(file.model.rules):
        kinds = [("kind", rule.kind)]
        if isinstance(rule, StepRule):
            kinds.append(("done_kind", rule.done_kind))
        for field, kind in kinds:
            # Kinds of one's own are welcome; one that nearly is a known one is a slip.
            if kind not in KINDS and (meant := perhaps(kind, KINDS)):
                reason = f"{kind} is none of the kinds that reports know{meant}"
                yield file.source.problem(("rules", number, field), reason, warning=True)
