"""How much of what is planned in the bundled calls is found, from their sound to the rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from asr.cer import ErrorRate, character_errors
from asr.events import TranscriptFinal
from asr.recognisers.base import Recogniser
from asr.settings import AsrSettings
from backbone.clock import Clock
from qa_engine.evaluate import Evaluation, Truth, evaluate, read_truth
from qa_engine.events import Alert, Hit
from qa_engine.kinds import class_of
from qa_engine.pack import Pack
from tingzhen.analysis import analyze


@dataclass(frozen=True, slots=True)
class CallResult:
    """One bundled call: what was found, what was heard, and alerts on the agent's part."""

    truth: Truth
    evaluation: Evaluation
    errors: ErrorRate
    violations_alerted: tuple[str, ...]


def _read_calls(folder: Path) -> list[tuple[Path, Truth]]:
    return [(path, read_truth(path.read_bytes())) for path in sorted(folder.glob("*.json"))]


async def detect(
    folder: Path, pack: Pack, settings: AsrSettings, recogniser: Recogniser, clock: Clock
) -> AsyncIterator[CallResult]:
    """Analyse each call of a folder (`ID.json`, `ID.agent.flac`, `ID.customer.flac`) in turn.

    Yields:
        The results, in order of id.

    Raises:
        AudioFileError: a recording is missing.
    """
    for path, truth in await asyncio.to_thread(_read_calls, folder):
        hits: list[Hit] = []
        alerts: list[Alert] = []
        heard: dict[str, list[TranscriptFinal]] = {"agent": [], "customer": []}
        judged = analyze(
            {
                "agent": path.with_suffix(".agent.flac"),
                "customer": path.with_suffix(".customer.flac"),
            },
            pack,
            settings,
            recogniser,
            clock,
        )
        async for _, event in judged:
            match event:
                case TranscriptFinal():
                    heard[event.role].append(event)
                case Hit():
                    hits.append(event)
                case Alert():
                    alerts.append(event)
                case _:
                    pass
        errors = ErrorRate(0, 0)
        for role, finals in heard.items():
            said = "".join(u.text for u in truth.utterances if u.role == role)
            errors += character_errors(said, "".join(f.text for f in finals))
        yield CallResult(
            truth,
            evaluate(truth, hits),
            errors,
            tuple(
                a.kind
                for a in alerts
                if a.role == "agent" and class_of(a.kind, a.role) == "violation"
            ),
        )
