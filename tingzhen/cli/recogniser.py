"""Getting and loading the recognition model, with a progress bar."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
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
from asr.recognisers.load import load_recogniser as load
from asr.settings import AsrSettings
from tingzhen.cli.output import stderr

_NICE = 5


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


def load_recogniser(settings: AsrSettings) -> Recogniser:
    """Load the model, getting it first where it is missing.

    Raises:
        UserError: it cannot be had or loaded.
    """
    folder = fetch_model(settings)
    stderr.print(f"Loading {folder.name} …")

    def load_nicely() -> Recogniser:
        # Linux keeps a nice value for each thread, and CTranslate2's threads inherit that of the
        # one that loads the model: recognition gives way to audio, alerts, and a PBX next door.
        os.nice(_NICE)
        return load(settings)

    with ThreadPoolExecutor(1, "load-model") as pool:
        return pool.submit(load_nicely).result()
