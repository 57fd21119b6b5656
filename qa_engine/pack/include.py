"""Packs that are part of other packs."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qa_engine.pack.compiled import File
from qa_engine.pack.problems import Problem
from qa_engine.pack.reading import names_under, read, read_directory

_INCLUDES = re.compile(rb"include[\"']?\s*:")
"""What a file has that includes another: most have not, and need not be read for it."""

OURS = Path(__file__).parents[1] / "packs"
"""Where the packs are that come with the program."""


class Gathered:
    """The files of a pack and of all that it includes, read; `raw` in the order of reading."""

    def __init__(self, path: Path) -> None:
        self.files: list[File] = []
        self.problems: list[Problem] = []
        self.raw: list[tuple[str, bytes]] = []
        self._seen: set[Path] = set()
        self._read(path, "")

    def _read(self, path: Path, prefix: str) -> None:
        """Read a folder, and before it what it includes.

        Raises:
            OSError: a file or the directory cannot be read.
        """
        self._seen.add(path.resolve())
        own: list[File] = []
        for name, raw in read_directory(path):
            self.raw.append((prefix + name, raw))
            source, model, wrong = read(prefix + name, raw)
            self.problems += wrong
            if source is not None and model is not None:
                own.append(File(source, model))
        for file in own:
            for number, name in enumerate(file.model.include):
                self._include(path, file, number, name)
        self._leave_out(own)
        self.files += own

    def _include(self, path: Path, file: File, number: int, name: str) -> None:
        place = ("include", number)
        folder = find(path, name)
        if folder is None:
            self.problems.append(file.source.problem(place, f"there is no pack {name}"))
            return
        if folder.resolve() == path.resolve():
            self.problems.append(file.source.problem(place, f"{name} is this pack itself"))
            return
        if folder.resolve() in self._seen:
            return  # two packs may stand on the same third, or on each other
        before = len(self.files)
        self._read(folder, f"{name}/")
        if len(self.files) == before:
            self.problems.append(file.source.problem(place, f"{name} holds no file of a pack"))
        for at in range(before, len(self.files)):
            part = self.files[at]
            nameless = {"pack": None, "version": None, "title": None, "title_en": None}
            model = part.model.model_copy(update=nameless)
            self.files[at] = File(part.source, model, included=True)

    def _leave_out(self, own: Sequence[File]) -> None:
        unwanted = {rule for file in own for rule in file.model.without}
        known = {rule.id for file in self.files for rule in file.model.rules}
        for file in own:
            for number, rule in enumerate(file.model.without):
                if rule not in known:
                    reason = f"no included pack has a rule {rule}"
                    self.problems.append(file.source.problem(("without", number), reason))
        scored = any(file.model.scorecard is not None for file in own)
        for at, file in enumerate(self.files):
            rules = tuple(rule for rule in file.model.rules if rule.id not in unwanted)
            changes: dict[str, object] = {"rules": rules}
            if scored:
                changes["scorecard"] = None
            self.files[at] = replace(file, model=file.model.model_copy(update=changes))


def find(path: Path, name: str) -> Path | None:
    """The folder of an included pack: beside the one that includes it, or one of ours."""
    places = [path / name]
    if name == Path(name).name:
        places.append(OURS / name)
    for folder in places:
        if folder.is_dir():
            return folder
    return None


def folders(path: Path) -> Iterator[Path]:
    """A pack's folder and those of all that it includes, as far as they can be read.

    Each is followed by what it includes, in the order in which that is written.
    """
    pending, seen = [path], set[Path]()
    while pending:
        folder = pending.pop(0)
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        yield folder
        included: list[Path] = []
        for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            try:
                stat = file.stat()
                names = _included(file, stat.st_size, stat.st_mtime_ns)
            except OSError:
                continue  # gone meanwhile: its absence is told where files are listed
            included += [found for name in names if (found := find(folder, name)) is not None]
        pending = [*included, *pending]


@functools.lru_cache(maxsize=1000)
def _included(file: Path, _size: int, _mtime_ns: int) -> tuple[str, ...]:
    """What a file includes; size and time make an edited one another."""
    raw = file.read_bytes()
    return names_under("include", raw) if _INCLUDES.search(raw) else ()
