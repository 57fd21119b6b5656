"""What the API's own description says of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_REF = "#/components/schemas/"


def require_what_is_always_there(document: dict[str, Any]) -> None:
    """Mark every field of an answer as required: what the server sends, it sends whole.

    A field that may be left out when something is asked is never left out of an answer, yet a
    schema says the same of both. What stands in questions too is left as it is.

    Args:
        document: OpenAPI, changed in place.
    """
    schemas = document.get("components", {}).get("schemas", {})
    operations = [op for item in document["paths"].values() for op in item.values()]
    asked = _reached([op.get("requestBody", {}) for op in operations], schemas)
    answers = [
        answer
        for op in operations
        for status, answer in op.get("responses", {}).items()
        if status.startswith("2")
    ]
    answered = _reached(answers, schemas)
    for name in answered - asked:
        schema = schemas[name]
        if "properties" in schema:
            schema["required"] = list(schema["properties"])


def _reached(parts: list[Any], schemas: dict[str, Any]) -> set[str]:
    """The names of the schemas that parts of the document refer to, directly or not."""
    reached: set[str] = set()
    waiting = [name for part in parts for name in _names(part)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _names(schemas.get(name, {}))
    return reached


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        reference = part.get("$ref", "")
        if isinstance(reference, str) and reference.startswith(_REF):
            yield reference.removeprefix(_REF)
        for inner in part.values():
            yield from _names(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _names(inner)
