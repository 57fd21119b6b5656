"""How much of what is planned in scripted calls is found, from their sound to the rules.

Each call is heard once and judged three times: by the pack; by the pack without finding words by
sound, for what that wins back and costs; and by the pack from the words of the script, for what
recognition loses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from asr.cer import ErrorRate, character_errors, total
from asr.events import TranscriptFinal
from asr.offline import transcribe_files
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.clock import Clock
from backbone.errors import UserError
from backbone.events import Event
from backbone.media import Role
from qa_engine.evaluate import Evaluation, Planned, Score, Truth, evaluate, read_truth
from qa_engine.events import Alert, Hit
from qa_engine.pack import Pack, PackError, load
from qa_engine.pack.compiled import File, compile_pack
from qa_engine.pack.include import Gathered
from qa_engine.pack.schema import PackFile, Word
from qa_engine.rehearsal import judge_events, scripted, spoken
from tingzhen.analysis import RecordedCall, duration_of, judge_in_order
from tingzhen.wordings_bench import GRAVE


@dataclass(frozen=True, slots=True)
class Packs:
    """A pack as it is, and without finding words by sound."""

    full: Pack
    by_characters: Pack


def load_packs(folder: Path) -> Packs:
    """Load a pack both ways. What makes a word harmless is heard by sound in either.

    Raises:
        PackError: it cannot be used.
    """
    full = load(folder)
    files = [File(file.source, _spelled(file.model)) for file in Gathered(folder).files]
    by_characters, problems = compile_pack(files, full.digest)
    if by_characters is None:
        raise PackError(problems)
    return Packs(full, by_characters)


def _spelled(model: PackFile) -> PackFile:
    def spell(word: str | Word) -> str | Word:
        if isinstance(word, str) or word.phonetic is None:
            return word
        return word.model_copy(update={"phonetic": "off"})

    lists = {
        name: words.model_copy(
            update={"phonetic": "off", "words": tuple(spell(word) for word in words.words)}
        )
        for name, words in model.lists.items()
    }
    return model.model_copy(update={"lists": lists})


@dataclass(frozen=True, slots=True)
class CallResult:
    """One scripted call: what was found, what was heard, and what disturbs its lead for nothing."""

    truth: Truth
    evaluation: Evaluation
    by_characters: Evaluation
    """What is found without finding words by sound."""
    by_script: Evaluation
    """What is found in the words of the script, as if recognition made no error."""
    errors: ErrorRate
    wrong_alerts: tuple[str, ...]
    """Kinds of the alerts for what is not there. On a compliant agent any violation is wrong."""

    @property
    def broken(self) -> tuple[Planned, ...]:
        """Look-alikes in `must_not` that were found all the same, each once."""
        return tuple(dict.fromkeys(entry for entry, _ in self.evaluation.forbidden))


@dataclass(slots=True)
class Summary:
    """All calls added up."""

    results: list[CallResult] = field(default_factory=list)
    found: Evaluation = field(default_factory=Evaluation)
    by_characters: Evaluation = field(default_factory=Evaluation)
    by_script: Evaluation = field(default_factory=Evaluation)

    def add(self, result: CallResult) -> None:
        """Add a call."""
        self.results.append(result)
        self.found.add(result.evaluation)
        self.by_characters.add(result.by_characters)
        self.by_script.add(result.by_script)

    def rows(self) -> Iterator[tuple[str, Score, Score, Score]]:
        """Kind and counts: by the pack, by characters only, by the words of the script.

        Red lines and emergencies first, the rest by name; then `grave`, the sum of the first,
        and `all`.
        """
        three = (self.found, self.by_characters, self.by_script)
        kinds = sorted({k for e in three for k in e.scores}, key=lambda k: (k not in GRAVE, k))
        groups: list[tuple[str, Iterable[str]]] = [(kind, (kind,)) for kind in kinds]
        for name, members in (*groups, ("grave", GRAVE), ("all", kinds)):
            found, by_characters, by_script = (e.total(members) for e in three)
            yield name, found, by_characters, by_script

    def figures(self) -> dict[str, object]:
        """What stands beside the counts by kind."""
        calm = [result for result in self.results if result.truth.agent_compliant]
        return {
            "calls": len(self.results),
            "compliant_calls": len(calm),
            "compliant_calls_with_alerts": {
                r.truth.id: list(r.wrong_alerts) for r in calm if r.wrong_alerts
            },
            "wrong_alerts": sum(len(r.wrong_alerts) for r in self.results),
            "must_not": sum(len(r.truth.must_not) for r in self.results),
            "must_not_found": {
                r.truth.id: [entry.kind for entry in r.broken] for r in self.results if r.broken
            },
            "cer": round(total(r.errors for r in self.results).rate, 4),
        }

    def missed(self) -> Iterator[tuple[str, Planned, str]]:
        """Call, event and sentence of everything that was not found."""
        for result in self.results:
            for event in result.evaluation.missed:
                yield result.truth.id, event, result.truth.utterances[event.utterance].text

    def wrong(self) -> Iterator[tuple[str, Hit | Alert]]:
        """Call and finding of everything that was found wrongly."""
        for result in self.results:
            for finding in result.evaluation.wrong:
                yield result.truth.id, finding


def read_calls(folder: Path) -> list[tuple[Path, Truth]]:
    """The scripted calls of a folder, in order of id, each with the path of its script.

    Raises:
        UserError: there is none, or one cannot be read.
    """
    calls = []
    for path in sorted(folder.glob("*.json")):
        try:
            calls.append((path, read_truth(path.read_bytes())))
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(f"{path} is no scripted call: {error}") from error
    if not calls:
        raise UserError(f"{folder} holds no scripted call (ID.json with ID.agent.flac …)")
    return calls


async def detect(
    calls: Iterable[tuple[Path, Truth]],
    packs: Packs,
    settings: AsrSettings,
    recogniser: Recogniser,
    clock: Clock,
) -> AsyncIterator[CallResult]:
    """Hear and judge calls; `ID.agent.flac` and `ID.customer.flac` lie beside `ID.json`.

    Yields:
        The results, in the order of the calls.

    Raises:
        AudioFileError: a recording is missing.
    """
    for path, truth in calls:
        files: Mapping[Role, Path] = {
            "agent": path.with_suffix(".agent.flac"),
            "customer": path.with_suffix(".customer.flac"),
        }
        duration_s = await asyncio.to_thread(duration_of, files)
        heard = [
            event async for event in transcribe_files(files, settings, recogniser, clock=clock)
        ]
        yield await asyncio.to_thread(result_of, truth, heard, packs, duration_s)


def result_of(truth: Truth, heard: Sequence[Event], packs: Packs, duration_s: float) -> CallResult:
    """What is found in a call of which this was heard.

    Args:
        truth: the script.
        heard: what the pipeline said of its recordings.
        packs: the rules.
        duration_s: length of the recordings.
    """

    def judged(pack: Pack) -> list[Event]:
        call = RecordedCall(pack, ["agent", "customer"], 0.0, duration_s)
        return [event for _, event in judge_in_order(call, list(heard), 0.0, duration_s)]

    found = judged(packs.full)
    alerts = [event for event in found if isinstance(event, Alert)]
    return CallResult(
        truth,
        evaluate(truth, _hits(found)),
        evaluate(truth, _hits(judged(packs.by_characters))),
        evaluate(truth, _hits(judge_events(packs.full, truth.id, _as_written(truth)))),
        _errors(truth, heard),
        tuple(alert.kind for alert in evaluate(truth, alerts).wrong),
    )


def _hits(events: Iterable[Event]) -> list[Hit]:
    return [event for event in events if isinstance(event, Hit)]


def _as_written(truth: Truth) -> list[Event]:
    finals = [
        spoken(
            truth.id,
            "agent" if said.role == "agent" else "customer",
            said.start,
            said.end,
            said.text,
            segment_id=str(number),
        )
        for number, said in enumerate(truth.utterances)
    ]
    return scripted(truth.id, finals, truth.duration)


def _errors(truth: Truth, heard: Iterable[Event]) -> ErrorRate:
    texts = {"agent": "", "customer": ""}
    for event in heard:
        if isinstance(event, TranscriptFinal):
            texts[event.role] += event.text
    errors = ErrorRate(0, 0)
    for role, text in texts.items():
        said = "".join(u.text for u in truth.utterances if u.role == role)
        errors += character_errors(said, text)
    return errors
