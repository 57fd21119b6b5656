"""How fast rules are: normalise and match against many words, and judge a final."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from asr.events import TranscriptFinal
from backbone.media import Role
from qa_engine.evaluate import Truth
from qa_engine.judge import CallJudge
from qa_engine.pack import Pack
from qa_engine.phrases import parse
from qa_engine.text import normalise
from qa_engine.words import Phonetic, WordGroup, WordIndex
from telephony.events import CallConnected

_SEED = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the work, measured sentence by sentence, as they come live."""

    name: str
    rate: float
    """Millions of characters a second on one core: this process's time, the best round."""
    seconds: Sequence[float]
    """For each sentence, the median of the rounds on the wall clock; for each final, its time."""


def stages(
    sentences: Sequence[str],
    words: int,
    *,
    pack: Pack,
    calls: Sequence[Truth],
    rounds: int = 60,
) -> list[Stage]:
    """Measure what becomes of a sentence, part by part, beside pyahocorasick on the same lines.

    Args:
        sentences: what people say.
        words: how many made-up words of two to six of their characters are looked for.
        pack: that judges.
        calls: that it judges.
        rounds: how often the sentences are gone through.

    Returns:
        pyahocorasick first, where the dev extra is installed, and our automaton alone, both on
        text that is normalised already; then normalise, normalise and match by character, the same
        by sound too, and all of it as judged by the whole pack in a call.
    """
    chance = random.Random(_SEED)  # noqa: S311 - made-up words, the same each time
    alphabet = sorted({c for s in sentences for c in normalise(s).text if not c.isdigit()})
    made: dict[str, None] = {}
    while len(made) < words:
        made["".join(chance.choice(alphabet) for _ in range(chance.randint(2, 6)))] = None
    phrases = tuple(parse(word) for word in made)
    exact = WordIndex([WordGroup("words", phrases, Phonetic.OFF)])
    both = WordIndex([WordGroup("words", phrases, Phonetic.AUTO)])
    alone = AhoCorasick(list(made), matchkind=MatchKind.Standard, implementation=Implementation.DFA)
    other = _pyahocorasick(made)
    clean = [normalise(s).text for s in sentences]
    size = sum(map(len, sentences))

    def stage(name: str, work: Callable[[str], object], texts: Sequence[str]) -> Stage:
        spent: list[list[float]] = [[] for _ in texts]
        best = float("inf")
        for _ in range(rounds):
            began = time.process_time()
            for text in texts:
                work(text)
            best = min(best, time.process_time() - began)
            for times, text in zip(spent, texts, strict=True):
                start = time.perf_counter()
                work(text)
                times.append(time.perf_counter() - start)
        return Stage(name, size / best / 1e6, [median(times) for times in spent])

    finals = final_times(pack, calls)
    said = sum(len(said.text) for call in calls for said in call.utterances)
    judged = said * len(finals) / sum(len(call.utterances) for call in calls)
    return [
        *([] if other is None else [stage("pyahocorasick alone", other, clean)]),
        stage("automaton alone", partial(alone.find_matches_as_indexes, overlapping=True), clean),
        stage("normalise", normalise, sentences),
        stage("normalise, match", exact.scan, sentences),
        stage("normalise, match, by sound", both.scan, sentences),
        Stage("normalise, match, evaluate", judged / sum(finals) / 1e6, finals),
    ]


def _pyahocorasick(words: Iterable[str]) -> Callable[[str], object] | None:
    try:
        import ahocorasick  # noqa: PLC0415 - an extra, only for this
    except ImportError:
        return None
    machine = ahocorasick.Automaton()
    for word in words:
        machine.add_word(word, word)
    machine.make_automaton()
    return lambda text: list(machine.iter(text))


def final_times(pack: Pack, calls: Sequence[Truth], repeat: int = 3) -> list[float]:
    """Seconds of this process's time that judging one final took, for each final of the calls."""
    pack.meanings.learn()  # as a node does when it loads a pack
    times: list[float] = []
    for _ in range(repeat):
        for call in calls:
            judge = CallJudge(pack, call.id)
            judge.feed(_connected(call.id), 0.0)
            for number, said in enumerate(call.utterances):
                role: Role = "agent" if said.role == "agent" else "customer"
                final = TranscriptFinal(
                    at=said.end,
                    call_id=call.id,
                    role=role,
                    leg_id=role,
                    segment_id=str(number),
                    start=said.start,
                    end=said.end,
                    text=said.text,
                    language="zh",
                    confidence=0.9,
                    level_db=-20.0,
                    lag_s=0.4,
                    decode_s=0.1,
                )
                began = time.process_time()
                judge.feed(final, said.end + 0.4)
                times.append(time.process_time() - began)
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share (0..1) of all does not exceed; values must not be empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _connected(call_id: str) -> CallConnected:
    return CallConnected(
        at=0.0,
        call_id=call_id,
        system="bench",
        uniqueid=call_id,
        channel="",
        queue="",
        agent="",
        agent_name="",
        wait_s=None,
        ring_s=None,
        rings=None,
    )
