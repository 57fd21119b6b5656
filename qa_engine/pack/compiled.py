"""A pack in force: its rules and one index over all their words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from backbone.media import Role
from qa_engine import phrases
from qa_engine.conditions.models import MeansCondition, every
from qa_engine.meanings import NOTHING, Meanings
from qa_engine.operators import BaseRule
from qa_engine.operators.when import WhenRule
from qa_engine.pack.digests import rule_digests
from qa_engine.pack.problems import Problem, perhaps
from qa_engine.pack.reading import Source
from qa_engine.pack.schema import GUARDS, PackFile, Unless, Word, WordList
from qa_engine.phrases import Phrase
from qa_engine.scorecard import Scorecard
from qa_engine.words import Guard, Phonetic, WordGroup, WordIndex


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules ready to judge with. Immutable; calls may share it."""

    name: str
    version: str
    """What people wrote, `+`, and the first characters of the files' SHA-256."""
    title: str
    title_en: str
    rules: tuple[BaseRule, ...]
    index: WordIndex

    meanings: Meanings = field(default_factory=lambda: Meanings({}))
    """Of the sentences that the pack teaches."""

    phrases: tuple[Phrase, ...] = ()
    """Of all lists, those of their guards included."""

    stages: tuple[tuple[BaseRule, ...], ...] = ()
    """The rules in an order in which each comes after those it builds on."""

    scorecard: Scorecard | None = None

    digest: str = ""
    """SHA-256 over all files, in hexadecimal."""

    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file, by name."""

    digests: Mapping[str, str] = field(default_factory=dict)
    """What each rule comes to, by id (see `qa_engine.pack.digests`)."""

    def rule(self, rule_id: str) -> BaseRule | None:
        """A rule by its id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a pack: where things stand, and what they are."""

    source: Source
    model: PackFile
    included: bool = False
    """Whether it is another pack's."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A word of a list, read, with its place."""

    file: Source
    path: tuple[int | str, ...]
    word: Word
    phrase: Phrase


def compile_pack(files: Sequence[File], digest: str) -> tuple[Pack | None, list[Problem]]:
    """Put the files of a pack together; problems that only show across files are found here."""
    problems = [*_named_once(files), *_unique(files)]
    if problems:
        return None, problems  # what follows would be told of the wrong list
    slots = slots_of(files)
    groups: list[WordGroup] = []
    defined = {name: words for file in files for name, words in file.model.lists.items()}
    for file in files:
        for name, words in file.model.lists.items():
            read, wrong = entries(file.source, name, words, slots)
            problems += wrong
            own, wrong = _group(_Guards(file.source, slots, defined), name, words, read)
            groups += own
            problems += wrong
    problems += _unknown_lists(files, defined)
    sentences = _sentences(files)
    meanings = Meanings(sentences)
    problems += _untaught(files, meanings)
    rules = [rule for file in files for rule in file.model.rules]
    stages, unplaced = _stages([rule for rule in rules if rule.enabled])
    problems += _unplaced(files, unplaced)
    if problems:
        return None, problems
    head = next(file.model for file in files if file.model.pack)
    pack = Pack(
        name=head.pack or "",
        version=f"{head.version or '0'}+{digest[:8]}",
        title=head.title or head.pack or "",
        title_en=head.title_en or head.title or head.pack or "",
        rules=tuple(rule for rule in rules if rule.enabled),
        index=WordIndex(groups),
        meanings=meanings,
        phrases=tuple(phrase for group in groups for phrase in group.all_phrases()),
        stages=stages,
        digests=rule_digests(stages, defined, sentences),
        scorecard=next((f.model.scorecard for f in files if f.model.scorecard), None),
    )
    return pack, []


def slots_of(files: Sequence[File]) -> phrases.Slots:
    """Words of the lists that a phrase may name; they may not name others in turn."""
    plain = {
        name: [word if isinstance(word, str) else word.text for word in words.words]
        for file in files
        for name, words in file.model.lists.items()
    }
    usable = {
        name: [wording for word in words for wording in _literals(word)]
        for name, words in plain.items()
        if words and not any(char in word for word in words for char in "<>*")
    }

    def slots(name: str) -> Sequence[str]:
        return usable[name]

    return slots


def _literals(word: str) -> Sequence[str]:
    try:
        return phrases.parse(word).all_wordings()
    except ValueError:
        return ()  # told where the word stands


def entries(
    source: Source, name: str, words: WordList, slots: phrases.Slots
) -> tuple[list[Entry], list[Problem]]:
    """The words of a list, read."""
    done: list[Entry] = []
    problems: list[Problem] = []
    for number, entry in enumerate(words.words):
        path = ("lists", name, "words", number)
        word = Word(text=entry) if isinstance(entry, str) else entry
        try:
            done.append(Entry(source, path, word, phrases.parse(word.text, slots)))
        except ValueError as error:
            problems.append(source.problem(path, f"`{word.text}`: {error}"))
    return done, problems


def _group(
    guards: _Guards, name: str, words: WordList, read: Sequence[Entry]
) -> tuple[list[WordGroup], list[Problem]]:
    """A list as one group, its words with switches of their own beside it."""
    shared = guards.read(("lists", name, "unless"), words.unless)
    plain = [w for w in read if w.word.phonetic is None and w.word.unless is None]
    groups = [WordGroup(name, tuple(w.phrase for w in plain), Phonetic(words.phonetic), shared)]
    for special in (w for w in read if w not in plain):
        own = guards.read((*special.path, "unless"), special.word.unless)
        phonetic = Phonetic(special.word.phonetic or words.phonetic)
        groups.append(WordGroup(name, (special.phrase,), phonetic, (*shared, *own)))
    return groups, guards.problems


@dataclass
class _Guards:
    """Reads what makes words harmless, in one file; `lists` are those of all files."""

    source: Source
    slots: phrases.Slots
    lists: Mapping[str, WordList]
    problems: list[Problem] = field(default_factory=list)

    def read(self, path: tuple[int | str, ...], unless: Unless | None) -> tuple[Guard, ...]:
        """The guard, if there is one; what is wrong with it is added to `problems`."""
        if unless is None:
            return ()
        fields: dict[str, tuple[Phrase, ...]] = {}
        for part in GUARDS:
            wordings: list[Phrase] = []
            for number, text in enumerate(getattr(unless, part)):
                try:
                    wordings += self._phrases(text)
                except ValueError as error:
                    place = (*path, part, number)
                    self.problems.append(self.source.problem(place, f"`{text}`: {error}"))
            fields[part] = tuple(wordings)
        return (Guard(**fields, reach=unless.reach),)

    def _phrases(self, text: str) -> list[Phrase]:
        """One phrase; of a list that is named alone all of them, with gaps, unlike a slot's."""
        words = self.lists.get(text[1:-1]) if text[:1] == "<" and text[-1:] == ">" else None
        texts = (
            [text] if words is None else [w if isinstance(w, str) else w.text for w in words.words]
        )
        return [phrases.parse(each, self.slots) for each in texts]


def _named_once(files: Sequence[File]) -> Iterator[Problem]:
    named = [file for file in files if file.model.pack]
    if not named:
        yield Problem(files[0].source.name, 0, 0, "pack", "no file names the pack")
    for file in named[1:]:
        yield file.source.problem(("pack",), f"named already in {named[0].source.name}")
    scored = [file for file in files if file.model.scorecard]
    for file in scored[1:]:
        reason = f"there is one already in {scored[0].source.name}"
        yield file.source.problem(("scorecard",), reason)


def _unique(files: Sequence[File]) -> Iterator[Problem]:
    lists: dict[str, str] = {}
    rules: dict[str, str] = {}
    for file in files:
        for name in file.model.lists:
            path: tuple[int | str, ...] = ("lists", name)
            if name in lists:
                yield file.source.problem(path, f"defined already in {lists[name]}")
            lists.setdefault(name, _where(file, path))
        for number, rule in enumerate(file.model.rules):
            path = ("rules", number, "id")
            if rule.id in rules:
                reason = f"{rule.id} is defined already in {rules[rule.id]}"
                yield file.source.problem(path, reason)
            rules.setdefault(rule.id, _where(file, path))


def _where(file: File, path: tuple[int | str, ...]) -> str:
    return f"{file.source.name}:{file.source.place(path)[0]}"


def _stages(
    rules: Sequence[BaseRule],
) -> tuple[tuple[tuple[BaseRule, ...], ...], list[BaseRule]]:
    """Rules by how deep they build on others; those that cannot be placed beside them."""
    stages: list[tuple[BaseRule, ...]] = []
    placed: set[str] = set()
    left = list(rules)
    while left:
        stage = [rule for rule in left if placed.issuperset(rule.builds_on())]
        if not stage:
            break
        stages.append(tuple(stage))
        placed.update(rule.id for rule in stage)
        left = [rule for rule in left if rule.id not in placed]
    return tuple(stages), left


def _unplaced(files: Sequence[File], rules: Sequence[BaseRule]) -> Iterator[Problem]:
    known = {rule.id for file in files for rule in file.model.rules if rule.enabled}
    for file in files:
        for number, rule in enumerate(file.model.rules):
            if rule in rules:
                missing = [name for name in rule.builds_on() if name not in known]
                reason = (
                    f"no rule in force is named {missing[0]}{perhaps(missing[0], known)}"
                    if missing
                    else "builds on rules that build on it"
                )
                yield file.source.problem(("rules", number, "find"), reason)


def _unknown_lists(files: Sequence[File], defined: Mapping[str, WordList]) -> Iterator[Problem]:
    for file in files:
        for number, rule in enumerate(file.model.rules):
            for name in dict.fromkeys(rule.groups()):
                if name not in defined:
                    reason = f"no list is named {name}{perhaps(name, defined)}"
                    yield file.source.problem(("rules", number), reason)


def _sentences(files: Sequence[File]) -> dict[Role, dict[str, list[str]]]:
    """Those of all files, by side and meaning."""
    gathered: dict[Role, dict[str, list[str]]] = {}
    for file in files:
        for role, meanings in file.model.sentences.items():
            for meaning, sentences in meanings.items():
                gathered.setdefault(role, {}).setdefault(meaning, []).extend(sentences)
    return gathered


def _untaught(files: Sequence[File], meanings: Meanings) -> Iterator[Problem]:
    for file in files:
        for number, rule in enumerate(file.model.rules):
            find = rule.find if isinstance(rule, WhenRule) else None
            for condition in [] if find is None else every(find):
                if not isinstance(condition, MeansCondition):
                    continue
                for role in sorted(condition.roles()):
                    known = meanings.known(role)
                    if condition.what not in known:
                        reason = (
                            f"no sentences of the {role}'s mean {condition.what}"
                            f"{perhaps(condition.what, known)}"
                            if known
                            else f"there are no sentences of the {role}'s of two meanings to learn "
                            f"from, `{NOTHING}` among them"
                        )
                        yield file.source.problem(("rules", number, "find"), reason)
