"""How well topic, script and scenes are told: on the bundled calls' texts and on sentences."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from ruamel.yaml import YAML

from asr.events import TranscriptFinal
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.clock import SystemClock
from backbone.media import Role
from qa_engine.emotion.tracker import EmotionTracker
from qa_engine.emotion.voice import Voice
from qa_engine.evaluate import Truth
from qa_engine.events import Scene, ScriptFinished, ScriptStep
from qa_engine.guidance.call import CallGuidance
from qa_engine.guidance.content import Guidance
from qa_engine.pack import Pack
from qa_engine.rehearsal import scripted, spoken
from qa_engine.topics.detector import TopicDetector
from tingzhen.analysis import analyze

TRUTH = Path(__file__).parent / "bench_data" / "guidance.yaml"
"""What comes with the program."""

_SILENT = Voice(0.0, 0.0, 0.0)
_ROUNDS = 20


class CallTruth(msgspec.Struct, frozen=True):
    """What should be found in a call; `scenes` by number of the utterance, any of them right."""

    topic: str
    done: tuple[str, ...]
    missed: tuple[str, ...]
    scenes: dict[int, tuple[Scene, ...]] = {}


class GuidanceTruth(msgspec.Struct, frozen=True):
    """The calls, and sentences by scene and topic."""

    calls: dict[str, CallTruth]
    scenes_tuned: dict[Scene, tuple[str, ...]]
    scenes_tuned_later: dict[Scene, tuple[str, ...]]
    scenes_indirect: dict[Scene, tuple[str, ...]]
    scenes_indirect_later: dict[Scene, tuple[str, ...]]
    scenes_held_out: dict[Scene, tuple[str, ...]]
    topics_tuned: dict[str, tuple[str, ...]]
    topics_held_out: dict[str, tuple[str, ...]]


def read_guidance_truth(path: Path) -> GuidanceTruth:
    """Read the truth from YAML.

    Raises:
        msgspec.ValidationError: it is none.
    """
    raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return msgspec.convert(raw, GuidanceTruth)


@dataclass(slots=True)
class Tally:
    """Counts of what was wanted, told, and told rightly."""

    wanted: int = 0
    told: int = 0
    right: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Right of what was wanted; 1 when nothing was."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        """Right of what was told; 1 when nothing was."""
        return self.right / self.told if self.told else 1.0

    def count(self, wanted: Iterable[str], told: Iterable[str], where: str) -> None:
        """Compare two sets of one call."""
        expected, found = set(wanted), set(told)
        self.wanted += len(expected)
        self.told += len(found)
        self.right += len(expected & found)
        self.wrong += [f"{where}: not {name}" for name in sorted(found - expected)]
        self.wrong += [f"{where}: no {name}" for name in sorted(expected - found)]


@dataclass(slots=True)
class CallTallies:
    """All bundled calls."""

    topics: Tally = field(default_factory=Tally)
    done: Tally = field(default_factory=Tally)
    missed: Tally = field(default_factory=Tally)
    scenes: Tally = field(default_factory=Tally)


def tally_calls(
    guidance: Guidance, calls: Iterable[Truth], truth: Mapping[str, CallTruth]
) -> CallTallies:
    """Follow each call by its true text and compare with what was told by reading it."""
    result = CallTallies()
    for call in calls:
        wanted = truth[call.id]
        topic, steps, scenes = followed(guidance, call)
        _count(result, wanted, call.id, topic, steps)
        for number, scene in scenes.items():
            _scene(
                result.scenes, wanted.scenes.get(number, ("calm",)), scene, f"{call.id}.{number}"
            )
    return result


async def tally_sound(
    folder: Path,
    guidance: Guidance,
    truth: Mapping[str, CallTruth],
    *,
    pack: Pack,
    settings: AsrSettings,
    recogniser: Recogniser,
) -> CallTallies:
    """The same from the calls' sound (`ID.agent.flac`, `ID.customer.flac`), but for scenes.

    Raises:
        AudioFileError: a recording is missing.
    """
    result = CallTallies()
    for call, wanted in truth.items():
        files: dict[Role, Path] = {
            "agent": folder / f"{call}.agent.flac",
            "customer": folder / f"{call}.customer.flac",
        }
        heard = analyze(files, pack, settings, recogniser, SystemClock(), guidance=guidance)
        async for _, event in heard:
            if isinstance(event, ScriptFinished):
                _count(result, wanted, call, event.topic, event.steps)
    return result


def _count(
    result: CallTallies, wanted: CallTruth, call: str, topic: str, steps: tuple[ScriptStep, ...]
) -> None:
    result.topics.count([wanted.topic], [topic], call)
    result.done.count(wanted.done, (s.step for s in steps if s.state == "done"), call)
    result.missed.count(wanted.missed, (s.step for s in steps if s.state == "missed"), call)


def _scene(tally: Tally, wanted: tuple[Scene, ...], told: Scene, where: str) -> None:
    """Calm counts as nothing wanted and nothing told."""
    tally.wanted += "calm" not in wanted
    tally.told += told != "calm"
    if told in wanted:
        if told != "calm":
            tally.right += 1
            tally.wanted += "calm" in wanted  # allowed, and told
    else:
        tally.wrong.append(f"{where}: {told}, not {' or '.join(wanted)}")


def followed(
    guidance: Guidance, call: Truth
) -> tuple[str, tuple[ScriptStep, ...], dict[int, Scene]]:
    """A call's topic, its steps at the end, and the scene after each utterance of the caller."""
    following = CallGuidance(guidance, call.id)
    scenes: dict[int, Scene] = {}
    for event in scripted(call.id, list(finals(call)), call.duration):
        following.feed(event, event.at)
        if isinstance(event, TranscriptFinal) and event.role == "customer":
            scenes[int(event.segment_id)] = following.feeling.scene
    following.close(following.state.now)
    return following.topic, following.steps, scenes


def finals(call: Truth) -> Iterable[TranscriptFinal]:
    """A scripted call's utterances as finals; the segment's id is the utterance's number."""
    for number, said in enumerate(call.utterances):
        role: Role = "agent" if said.role == "agent" else "customer"
        yield spoken(call.id, role, said.start, said.end, said.text, segment_id=f"{number}")


def tally_scenes(
    guidance: Guidance, sentences: Mapping[Scene, Iterable[str]]
) -> dict[Scene, Tally]:
    """Each sentence by itself, without voice."""
    tallies: dict[Scene, Tally] = {scene: Tally() for scene in sentences}
    for wanted, texts in sentences.items():
        for text in texts:
            told = scene_of(guidance, text)
            tallies[wanted].wanted += 1
            tallies.setdefault(told, Tally()).told += 1
            if told == wanted:
                tallies[wanted].right += 1
            else:
                tallies[wanted].wrong.append(f"{told}: {text}")
    return tallies


def scene_of(guidance: Guidance, text: str) -> Scene:
    """What a caller's sentence by itself tells, without voice."""
    return EmotionTracker(guidance.scenes).hear(guidance.index.scan(text), _SILENT, 0.0).scene


def add_up(tallies: Mapping[Scene, Tally]) -> Tally:
    """All scenes but calm, where nothing is wanted and nothing told."""
    total = Tally()
    for scene, tally in tallies.items():
        if scene != "calm":
            total.wanted += tally.wanted
            total.told += tally.told
            total.right += tally.right
            total.wrong += tally.wrong
    return total


def calm_kept(tallies: Mapping[Scene, Tally]) -> Tally:
    """Calm sentences, and how many of them stayed calm."""
    calm = tallies["calm"]
    return Tally(calm.wanted, calm.wanted, calm.right, calm.wrong)


def tally_topics(guidance: Guidance, sentences: Mapping[str, Iterable[str]]) -> Tally:
    """Each sentence as the first that a caller says; what is too thin to tell is not told."""
    tally = Tally()
    for wanted, texts in sentences.items():
        for text in texts:
            detector = TopicDetector(guidance.topics, guidance.nearest)
            detected = detector.hear("customer", guidance.index.scan(text))
            tally.count([wanted], [] if detected is None else [detected.topic], text)
    return tally


def final_times(guidance: Guidance, calls: Iterable[Truth]) -> list[float]:
    """Seconds of processor time that following one final takes, sorted."""
    times = []
    for _ in range(_ROUNDS):
        for call in calls:
            following = CallGuidance(guidance, call.id)
            for event in scripted(call.id, list(finals(call)), call.duration):
                began = time.thread_time()
                following.feed(event, event.at)
                if isinstance(event, TranscriptFinal):
                    times.append(time.thread_time() - began)
    return sorted(times)
