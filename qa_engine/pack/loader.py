"""Packs from disk: all or nothing, with every problem told."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from qa_engine.pack.compiled import File, Pack, compile_pack
from qa_engine.pack.lint import lint
from qa_engine.pack.problems import PackError, Problem
from qa_engine.pack.reading import read, read_directory

DEFAULT_PACK = Path(__file__).parents[1] / "packs" / "hospital-zh"
"""The pack that comes with the program: Chinese hospitals."""


def load(path: Path) -> Pack:
    """Load the pack in a directory.

    Raises:
        PackError: it cannot be used; says file, line and reason of everything wrong with it.
    """
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
    """Names, sizes and times of a pack's files: another one means that it was edited."""
    marks = []
    for file in sorted([*path.glob("*.yaml"), *path.glob("*.yml")]):
        try:
            stat = file.stat()
        except OSError:
            continue  # gone between the two calls; its absence is the change
        marks.append((file.name, stat.st_size, stat.st_mtime_ns))
    return tuple(marks)


def _load(path: Path) -> tuple[Pack | None, list[File], list[Problem]]:
    if not path.is_dir():
        return None, [], [Problem(str(path), 0, 0, "", "is no directory of a rule pack")]
    files: list[File] = []
    problems: list[Problem] = []
    digest = hashlib.sha256()
    try:
        raw_files = list(read_directory(path))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [], [Problem(str(error.filename or path), 0, 0, "", reason)]
    if not raw_files:
        return None, [], [Problem(str(path), 0, 0, "", "holds no .yaml file")]
    for name, raw in raw_files:
        digest.update(name.encode() + b"\0" + raw + b"\0")
        source, model, wrong = read(name, raw)
        problems += wrong
        if source is not None and model is not None:
            files.append(File(source, model))
    if problems:
        return None, files, problems
    pack, problems = compile_pack(files, digest.hexdigest())
    if pack is not None:
        sums = {name: hashlib.sha256(raw).hexdigest() for name, raw in raw_files}
        pack = dataclasses.replace(pack, digest=digest.hexdigest(), files=sums)
    return pack, files, problems
