"""The guidance of a pack in force: topics, scripts, scenes and sentences, with one word index."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from qa_engine.emotion.models import SCENES, ScenesFile, SceneWords
from qa_engine.emotion.tracker import groups as scene_groups
from qa_engine.empathy.models import EmpathyFile, Sentence
from qa_engine.empathy.offers import sentence_group
from qa_engine.events import Scene
from qa_engine.guidance.base import Wordings
from qa_engine.pack.include import folders
from qa_engine.pack.loader import DEFAULT_PACK
from qa_engine.pack.problems import PackError, Problem
from qa_engine.pack.reading import Source, read_as
from qa_engine.scripts.compiled import CompiledScript, CompiledSlot, compile_scripts
from qa_engine.scripts.models import ScriptsFile
from qa_engine.topics.detector import groups as topic_groups
from qa_engine.topics.models import Topic, TopicsFile
from qa_engine.topics.nearest import NearestExemplar
from qa_engine.words import Phonetic, WordIndex

FOLDER = "guidance"
"""Where in a pack its guidance stands."""

_MODELS: dict[str, type[BaseModel]] = {
    "topics.yaml": TopicsFile,
    "scripts.yaml": ScriptsFile,
    "scenes.yaml": ScenesFile,
    "empathy.yaml": EmpathyFile,
}
_Model = TypeVar("_Model", bound=BaseModel)

_PARTS = ("words", "strong", "situations", "hints")
"""Of a scene, in the order of their word groups."""
_BY_SOUND = ("words", "strong")


@dataclass(frozen=True, slots=True)
class Guidance:
    """Ready to follow calls with. Immutable; calls may share it."""

    version: str
    """The first characters of the files' SHA-256."""
    pack: str
    """Name of the folder whose guidance it is."""
    digest: str
    """SHA-256 over the files, in hexadecimal."""
    files: Mapping[str, str]
    """SHA-256 of each file, by name."""
    digests: Mapping[str, str]
    """SHA-256 of each part as it was understood, by kind and id, as `topic/refund`."""
    topics: tuple[Topic, ...]
    nearest: NearestExemplar
    scripts: Mapping[str, CompiledScript]
    """By topic; the empty one is for calls whose topic is not known."""
    slots: Mapping[str, CompiledSlot]
    scenes: tuple[SceneWords, ...]
    library: Mapping[Scene, tuple[Sentence, ...]]
    index: WordIndex

    def topic(self, topic_id: str) -> Topic | None:
        """A topic by its id."""
        return next((topic for topic in self.topics if topic.id == topic_id), None)

    def scene_groups(self, scene: Scene) -> tuple[str, ...]:
        """The word groups that speak for a scene; none for calm."""
        return () if scene == "calm" else scene_groups(scene)

    def script(self, topic: str) -> CompiledScript:
        """The script for a topic, else the one for any call."""
        return self.scripts.get(topic) or self.scripts[""]


def guidance_folder(pack: Path | None) -> Path:
    """Where the guidance of a pack stands: its own, that of the first it includes, else ours."""
    for folder in () if pack is None else folders(pack):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    return DEFAULT_PACK / FOLDER


def load_guidance(pack: Path | None = None) -> Guidance:
    """Load the guidance of the pack in a directory.

    Raises:
        PackError: it cannot be used; says file, line and reason of everything wrong with it.
    """
    guidance, problems = _load(guidance_folder(pack))
    if guidance is None:
        raise PackError([problem for problem in problems if problem.level == "error"])
    return guidance


def check_guidance(pack: Path | None = None) -> list[Problem]:
    """All errors and warnings of a pack's guidance, by file and line."""
    return sorted(_load(guidance_folder(pack))[1])


def guidance_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema of each file, by the file's name, for editors that check while one types."""
    schemas = {}
    for name, model in _MODELS.items():
        schema = model.model_json_schema()
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = f"Tingzhen {FOLDER}/{name}"
        schemas[name] = schema
    return schemas


class _Files:
    """The four files as read."""

    def __init__(self, folder: Path) -> None:
        self.problems: list[Problem] = []
        self.sources: dict[str, Source] = {}
        self._models: dict[str, BaseModel] = {}
        self.sums: dict[str, str] = {}
        digest = hashlib.sha256()
        for name, model in _MODELS.items():
            shown = f"{FOLDER}/{name}"
            try:
                raw = (folder / name).read_bytes()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                self.problems.append(Problem(shown, 0, 0, "", reason))
                continue
            digest.update(name.encode() + b"\0" + raw + b"\0")
            self.sums[shown] = hashlib.sha256(raw).hexdigest()
            source, read, wrong = read_as(model, shown, raw)
            self.problems += wrong
            if source is not None and read is not None:
                self.sources[name], self._models[name] = source, read
        self.digest = digest.hexdigest()

    def get(self, name: str, model: type[_Model]) -> _Model:
        read = self._models[name]
        assert isinstance(read, model)  # noqa: S101 - `_MODELS` says so, for the type checker
        return read


def _load(folder: Path) -> tuple[Guidance | None, list[Problem]]:
    files = _Files(folder)
    if files.problems:
        return None, files.problems
    words = Wordings()
    topics = files.get("topics.yaml", TopicsFile).topics
    feelings = files.get("scenes.yaml", ScenesFile)
    library = files.get("empathy.yaml", EmpathyFile)
    problems = [
        *_topics(files.sources["topics.yaml"], topics, words),
        *_scenes(files.sources["scenes.yaml"], feelings, words),
        *_library(files.sources["empathy.yaml"], library, {topic.id for topic in topics}, words),
    ]
    scripts, slots, wrong = compile_scripts(
        files.sources["scripts.yaml"],
        files.get("scripts.yaml", ScriptsFile),
        [topic.id for topic in topics],
        words,
    )
    problems += [*wrong, *words.problems]
    if any(problem.level == "error" for problem in problems):
        return None, problems
    guidance = Guidance(
        version=files.digest[:8],
        pack=folder.resolve().parent.name,
        digest=files.digest,
        files=files.sums,
        digests=_digests(topics, scripts, slots, feelings, library),
        topics=topics,
        nearest=NearestExemplar({topic.id: topic.exemplars for topic in topics}),
        scripts=scripts,
        slots=slots,
        scenes=feelings.scenes,
        library={part.scene: part.sentences for part in library.library},
        index=WordIndex(words.groups),
    )
    return guidance, problems


def _digests(
    topics: Iterable[Topic],
    scripts: Mapping[str, CompiledScript],
    slots: Mapping[str, CompiledSlot],
    feelings: ScenesFile,
    library: EmpathyFile,
) -> dict[str, str]:
    """What each part comes to; a script is itself, its steps as merged, and their slots."""
    parts: dict[str, Sequence[BaseModel]] = {}
    for topic in topics:
        parts[f"topic/{topic.id}"] = (topic,)
    for compiled in scripts.values():
        steps = [step.step for step in compiled.steps]
        needed = dict.fromkeys(name for step in steps for name in step.slots)
        filled = [slots[name].slot for name in needed]
        parts[f"script/{compiled.script.id}"] = (compiled.script, *steps, *filled)
    for scene in feelings.scenes:
        # With the words that its phrases may name.
        parts[f"scene/{scene.scene}"] = (feelings.model_copy(update={"scenes": (scene,)}),)
    for part in library.library:
        for sentence in part.sentences:
            parts[f"sentence/{sentence.id}"] = (sentence,)
    return {
        name: hashlib.sha256(
            "\0".join(model.model_dump_json() for model in models).encode()
        ).hexdigest()
        for name, models in parts.items()
    }


def _topics(source: Source, topics: tuple[Topic, ...], words: Wordings) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, topic in enumerate(topics):
        place = ("topics", number)
        if topic.id in seen:
            yield source.problem((*place, "id"), f"{topic.id} is defined already")
        seen.add(topic.id)
        if not (topic.words or topic.strong or topic.agent or topic.exemplars):
            yield source.problem(place, "nothing tells it: give words or exemplars")
        for part, name in zip(("words", "strong", "agent"), topic_groups(topic.id), strict=True):
            words.add(source, (*place, part), name, getattr(topic, part), topic.unless)


def _scenes(source: Source, file: ScenesFile, words: Wordings) -> Iterator[Problem]:
    for number, scene in enumerate(file.scenes):
        place = ("scenes", number)
        if not (scene.words or scene.strong or scene.situations):
            yield source.problem(place, "nothing tells it: give words", warning=True)
        slots = file.slots.__getitem__
        for part, group in zip(_PARTS, scene_groups(scene.scene), strict=True):
            phonetic = Phonetic.AUTO if part in _BY_SOUND else Phonetic.OFF
            phrases = getattr(scene, part)
            words.add(
                source, (*place, part), group, phrases, scene.unless, slots=slots, phonetic=phonetic
            )


def _library(
    source: Source, file: EmpathyFile, topics: set[str], words: Wordings
) -> Iterator[Problem]:
    named = Counter(part.scene for part in file.library)
    for scene in SCENES:
        if named[scene] != 1:
            yield source.problem(("library",), f"must hold {scene} once, not {named[scene]} times")
    ids: set[str] = set()
    texts: set[str] = set()
    for number, part in enumerate(file.library):
        for at, sentence in enumerate(part.sentences):
            place = ("library", number, "sentences", at)
            if sentence.id in ids:
                yield source.problem((*place, "id"), f"{sentence.id} is used already")
            if sentence.zh in texts:
                yield source.problem((*place, "zh"), "stands here twice")
            ids.add(sentence.id)
            words.add(source, (*place, "if_heard"), sentence_group(sentence.id), sentence.if_heard)
            texts.add(sentence.zh)
            for topic in sentence.topics:
                if topic not in topics:
                    yield source.problem((*place, "topics"), f"no topic is named {topic}")
