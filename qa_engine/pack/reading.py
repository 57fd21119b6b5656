"""YAML files to checked models, every error with its place."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from qa_engine.conditions.models import OPS
from qa_engine.operators import OPERATORS
from qa_engine.pack.problems import Problem, perhaps
from qa_engine.pack.schema import WORD_TAGS, PackFile

MAX_BYTES = 4_000_000
_MAX_NODES = 200_000
_MAX_DEPTH = 40

Path_ = tuple[int | str, ...]
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """One file as parsed, to find the place of any of its fields."""

    name: str
    tree: Any

    def place(self, path: Iterable[int | str]) -> tuple[int, int]:
        """Line and column, from 1, of the field at `path` or of the nearest thing around it."""
        return next(reversed([place for _, place in self._steps(path)]), (1, 1))

    def _steps(self, path: Iterable[int | str]) -> Iterator[tuple[int | str, tuple[int, int]]]:
        """The steps of a path that are in the tree, with their places."""
        node, place = self.tree, (1, 1)
        for step in path:
            if isinstance(node, CommentedMap) and step in node:
                # What is merged in (`<<`) stands elsewhere.
                if step in (node.lc.data or {}):
                    line, column = node.lc.key(step)
                    place = (line + 1, column + 1)
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line, column = node.lc.item(step)
                place = (line + 1, column + 1)
            else:
                continue  # a step of pydantic's own, as the tag of a union; or what is missing
            node = node[step]
            yield step, place

    def problem(self, path: Path_, reason: str, *, warning: bool = False) -> Problem:
        """A problem at a field of this file."""
        line, column = self.place(path)
        known = [step for step, _ in self._steps(path)]
        if path and path[-1] not in _TAGS and path[-1:] != tuple(known[-1:]):
            known.append(path[-1])  # what is missing
        field = ".".join(map(str, known))
        return Problem(self.name, line, column, field, reason, "warning" if warning else "error")


def read(name: str, raw: bytes) -> tuple[Source | None, PackFile | None, list[Problem]]:
    """Parse and check one file of rules. Never raises on what a file may hold."""
    return read_as(PackFile, name, raw)


def read_as(
    model: type[_Model], name: str, raw: bytes
) -> tuple[Source | None, _Model | None, list[Problem]]:
    """Parse and check a file of some kind. Never raises on what it may hold."""
    try:
        source = Source(name, _parse(name, raw))
        plain = _plain(source)
    except _RefusedError as refused:
        return None, None, [refused.problem]
    try:
        return source, model.model_validate(plain), []
    except ValidationError as error:
        return source, None, [_invalid(source, model, detail) for detail in error.errors()]


class _RefusedError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Shallow(Composer):
    """Gives up what is nested without measure, which would take minutes to find out later."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node and what is in it."""
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                mark = self.parser.peek_event().start_mark
                raise ComposerError(None, None, "is nested too deeply", mark)
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def names_under(key: str, raw: bytes) -> tuple[str, ...]:
    """The texts of a list at the top of a file; none where it cannot be read as one."""
    try:
        tree = _parse("", raw)
    except _RefusedError:
        return ()
    names = tree.get(key)
    return tuple(n for n in names if isinstance(n, str)) if isinstance(names, list) else ()


def _parse(name: str, raw: bytes) -> Any:
    """A file's tree, which knows where its nodes stand; an empty one is an empty mapping."""
    if len(raw) > MAX_BYTES:
        raise _RefusedError(Problem(name, 0, 0, "", f"larger than {MAX_BYTES} bytes"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _RefusedError(Problem(name, line, 1, "", "is not UTF-8 text")) from None
    # The round-trip loader constructs nothing but plain values and knows every line.
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer = _Shallow
    try:
        tree = yaml.load(io.StringIO(text))
    except MarkedYAMLError as error:
        raise _RefusedError(_syntax(name, error)) from None
    except RecursionError:
        raise _RefusedError(Problem(name, 0, 0, "", "is nested too deeply")) from None
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError) as error:
        # ruamel lets a few of these through on malformed scalars, tags and directives.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        at = getattr(error, "position", None)
        line = text.count("\n", 0, at) + 1 if isinstance(at, int) else 0
        problem = Problem(name, line, int(line > 0), "", f"is not valid YAML: {reason}")
        raise _RefusedError(problem) from None
    if tree is None:
        return CommentedMap()
    if not isinstance(tree, CommentedMap):
        raise _RefusedError(Problem(name, 1, 1, "", "must be a mapping, as `lists:` or `rules:`"))
    return tree


def read_directory(path: Path) -> Iterable[tuple[str, bytes]]:
    """The pack's files by name, in order.

    Raises:
        OSError: a file or the directory cannot be read.
    """
    for file in sorted([*path.glob("*.yaml"), *path.glob("*.yml")]):
        yield file.name, file.read_bytes()


def _plain(source: Source) -> Any:
    """Plain values; aliases are unfolded, within bounds."""
    left = [_MAX_NODES]

    def walk(node: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth > _MAX_DEPTH:
            reason = "holds too much, or aliases that unfold without measure"
            raise _RefusedError(Problem(source.name, 0, 0, "", reason))
        if isinstance(node, dict):
            return {_scalar(k): walk(v, depth + 1) for k, v in node.items()}
        if isinstance(node, list):
            return [walk(v, depth + 1) for v in node]
        return _scalar(node)

    return walk(source.tree, 0)


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


_TAGS = frozenset({*_RULE_TYPES, *OPS, *WORD_TAGS})
"""Steps that pydantic puts into a path, and an author never wrote."""


def _invalid(source: Source, model: type[BaseModel], detail: Any) -> Problem:
    path: Path_ = tuple(detail["loc"])
    if len(path) > 2 and path[0] == "rules" and path[2] in _RULE_TYPES:  # noqa: PLR2004 - rules, number, type
        path = (*path[:2], *path[3:])
    return source.problem(path, _reason(model, path, detail))


_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text: put it in quotes",
    "tuple_type": "must be a list, as [a, b]",
    "model_type": "must be a mapping, as {a: b}",
    "dict_type": "must be a mapping, as {a: b}",
    "finite_number": "must be a number with an end",
}


def _reason(model: type[BaseModel], path: Path_, detail: Any) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return _REASONS["extra_forbidden"] + perhaps(str(path[-1]), _fields(model))
        case "union_tag_not_found":
            name = context["discriminator"].strip("'")
            return f"`{name}` is missing: what it is"
        case "union_tag_invalid":
            name, tag = context["discriminator"].strip("'"), context["tag"]
            known = [one.strip("' ") for one in context["expected_tags"].split(",")]
            meant = perhaps(tag, known) or f": one of {', '.join(known)}"
            return f"there is no {name} `{tag}`{meant}"
        case "too_short":
            least, given = context["min_length"], context["actual_length"]
            return f"must hold at least {least}, not {given}"
        case other:
            message: str = detail["msg"].removeprefix("Value error, ")
            return _REASONS.get(other, message)


@functools.cache
def _fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of all fields that a file of some kind may have, at any place."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))
