"""Packs from disk: all or nothing, with every problem told."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from qa_engine.pack.compiled import File, Pack, compile_pack
from qa_engine.pack.include import OURS, Gathered, folders
from qa_engine.pack.lint import lint
from qa_engine.pack.problems import PackError, Problem

DEFAULT_PACK = OURS / "hospital-zh"
"""The pack that comes with the program: Chinese hospitals."""


def load(path: Path) -> Pack:
    """Load the pack in a directory; once, while what its files say stays the same.

    Raises:
        PackError: it cannot be used; says file, line and reason of everything wrong with it.
    """
    said = hashlib.sha256()
    for name, file in _files(path):
        with contextlib.suppress(OSError):  # told when it is read
            said.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return _unchanged(path.resolve(), said.digest())


@functools.lru_cache(maxsize=4)
def _unchanged(path: Path, _said: bytes) -> Pack:
    pack, _, problems = _load(path)
    if pack is None:
        raise PackError(problems)
    return pack


def check(path: Path) -> list[Problem]:
    """All errors of a pack, or its warnings when there is no error, by file and line."""
    pack, files, problems = _load(path)
    if pack is not None:
        problems = list(lint(files, pack))
    return sorted(problems)


def fingerprint(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of all files of a pack, those it includes among them."""
    marks = []
    for name, file in _files(path):
        try:
            stat = file.stat()
        except OSError:
            continue  # gone between the two calls; its absence is the change
        marks.append((name, stat.st_size, stat.st_mtime_ns))
    return tuple(marks)


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    for folder in folders(path):
        for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            yield f"{folder.name}/{file.name}", file


def _load(path: Path) -> tuple[Pack | None, list[File], list[Problem]]:
    if not path.is_dir():
        return None, [], [Problem(str(path), 0, 0, "", "is no directory of a rule pack")]
    try:
        gathered = Gathered(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [], [Problem(str(error.filename or path), 0, 0, "", reason)]
    if not gathered.raw:
        return None, [], [Problem(str(path), 0, 0, "", "holds no .yaml file")]
    digest = hashlib.sha256()
    for name, raw in gathered.raw:
        digest.update(name.encode() + b"\0" + raw + b"\0")
    files = gathered.files
    if gathered.problems:
        return None, files, gathered.problems
    pack, problems = compile_pack(files, digest.hexdigest())
    if pack is not None:
        sums = {name: hashlib.sha256(raw).hexdigest() for name, raw in gathered.raw}
        pack = dataclasses.replace(pack, digest=digest.hexdigest(), files=sums)
    return pack, files, problems
