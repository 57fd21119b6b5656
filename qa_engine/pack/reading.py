"""YAML files to checked models, every error with its place."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from qa_engine.operators import OPERATORS
from qa_engine.pack.problems import Problem
from qa_engine.pack.schema import PackFile

MAX_BYTES = 4_000_000
_MAX_NODES = 200_000
_MAX_DEPTH = 40

Path_ = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file as parsed, to find the place of any of its fields."""

    name: str
    tree: Any

    def place(self, path: Iterable[int | str]) -> tuple[int, int]:
        """Line and column, from 1, of the field at `path` or of the nearest thing around it."""
        node, place = self.tree, (1, 1)
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                line, column = node.lc.key(step)
                node = node[step]
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line, column = node.lc.item(step)
                node = node[step]
            else:
                continue  # a step of pydantic's own, as the tag of a union
            place = (line + 1, column + 1)
        return place

    def problem(self, path: Path_, reason: str, *, warning: bool = False) -> Problem:
        """A problem at a field of this file."""
        line, column = self.place(path)
        field = ".".join(str(step) for step in path if not _is_ours(step))
        return Problem(self.name, line, column, field, reason, "warning" if warning else "error")


def read(name: str, raw: bytes) -> tuple[Source | None, PackFile | None, list[Problem]]:
    """Parse and check one file. Never raises on what a file may hold."""
    if len(raw) > MAX_BYTES:
        return None, None, [Problem(name, 0, 0, "", f"larger than {MAX_BYTES} bytes")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, None, [Problem(name, line, 1, "", "is not UTF-8 text")]
    # The round-trip loader constructs nothing but plain values and knows every line.
    yaml = YAML(typ="rt", pure=True)
    try:
        tree = yaml.load(io.StringIO(text))
    except MarkedYAMLError as error:
        return None, None, [_syntax(name, error)]
    except (YAMLError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        # ruamel lets a few of these through on malformed scalars, tags and directives.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, None, [Problem(name, 0, 0, "", f"is not valid YAML: {reason}")]
    except RecursionError:
        return None, None, [Problem(name, 0, 0, "", "is nested too deeply")]
    source = Source(name, tree)
    if tree is None:
        return source, PackFile(), []
    if not isinstance(tree, CommentedMap):
        return None, None, [Problem(name, 1, 1, "", "must hold `lists:` or `rules:`")]
    try:
        return source, PackFile.model_validate(_plain(tree)), []
    except ValidationError as error:
        return source, None, [_invalid(source, detail) for detail in error.errors()]
    except _TooMuchError as error:
        return None, None, [Problem(name, 0, 0, "", str(error))]


def read_directory(path: Path) -> Iterable[tuple[str, bytes]]:
    """The pack's files by name, in order.

    Raises:
        OSError: a file or the directory cannot be read.
    """
    for file in sorted([*path.glob("*.yaml"), *path.glob("*.yml")]):
        yield file.name, file.read_bytes()


class _TooMuchError(Exception):
    """Aliases or nesting would unfold without measure."""


def _plain(tree: Any) -> Any:
    """Plain values; aliases are unfolded, within bounds."""
    left = [_MAX_NODES]

    def walk(node: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth > _MAX_DEPTH:
            raise _TooMuchError("holds too much, or aliases that unfold without measure")
        if isinstance(node, dict):
            return {_scalar(k): walk(v, depth + 1) for k, v in node.items()}
        if isinstance(node, list):
            return [walk(v, depth + 1) for v in node]
        return _scalar(node)

    return walk(tree, 0)


def _scalar(node: Any) -> Any:
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return None if node is None else str(node)


def _syntax(name: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    reason = (error.problem or error.context or "is not valid YAML").strip()
    if mark is None:
        return Problem(name, 0, 0, "", reason)
    return Problem(name, mark.line + 1, mark.column + 1, "", reason)


_RULE_TYPES = frozenset(
    name for rule in OPERATORS for name in get_args(rule.model_fields["type"].annotation)
)


def _is_ours(step: int | str) -> bool:
    return step in {"str", "Word"}


def _invalid(source: Source, detail: Any) -> Problem:
    path: Path_ = tuple(detail["loc"])
    if len(path) > 2 and path[0] == "rules" and path[2] in _RULE_TYPES:  # noqa: PLR2004 - rules, number, type
        path = (*path[:2], *path[3:])
    reason = {
        "missing": "is missing",
        "extra_forbidden": "is not known here",
    }.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    return source.problem(path, reason)
