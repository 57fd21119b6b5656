"""Getting and loading the recognition model, with a progress bar."""

from __future__ import annotations

from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from asr.model import Progress as ModelProgress
from asr.model import ensure_model, find_model
from asr.recognisers.base import Recogniser
from asr.recognisers.load import start_recogniser
from asr.settings import AsrSettings
from qa_engine.pack import DEFAULT_PACK, load
from qa_engine.vocabulary import vocabulary
from tingzhen.cli.output import stderr


def fetch_model(settings: AsrSettings) -> Path:
    """The model's folder; got first, with a progress bar, where it is missing.

    Raises:
        UserError: it cannot be had.
    """
    found = find_model(settings.model, settings.models_dir)
    if found is not None:
        return found
    stderr.print(f"Getting the recognition model '{settings.model}' (once) …")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=stderr,
    ) as bar:
        stages: dict[str, TaskID] = {}

        def show(progress: ModelProgress) -> None:
            if progress.stage not in stages:
                stages[progress.stage] = bar.add_task(progress.stage, total=progress.total)
            bar.update(stages[progress.stage], completed=progress.done, total=progress.total)

        return ensure_model(settings.model, show, directory=settings.models_dir)


def load_recogniser(settings: AsrSettings, rules: Path | None = None) -> Recogniser:
    """Start the recogniser, getting its model first where it is missing.

    Args:
        settings: of recognition.
        rules: The pack whose words it is to know; ours if unset.

    Raises:
        UserError: it cannot be had or loaded, or the pack cannot.
    """
    if settings.recogniser == "whisper":
        folder = fetch_model(settings)
        stderr.print(f"Loading {folder.name} …")
        if settings.homophones and settings.rule_words:
            words = vocabulary(load(rules or DEFAULT_PACK).phrases)
            settings = settings.model_copy(update={"words": (*settings.words, *sorted(words))})
    return start_recogniser(settings)
