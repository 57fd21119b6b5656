"""What the API's description says of answers."""

from __future__ import annotations

from agent_console.openapi import document
from agent_console.schema import require_what_is_always_there

REF = "#/components/schemas/"


def described(schema: str, *, asks: str) -> dict:
    def content(name: str) -> dict:
        return {"content": {"application/json": {"schema": {"$ref": REF + name}}}}

    whole = {"properties": {"a": {}, "b": {"items": {"$ref": REF + "Inner"}}}, "required": ["a"]}
    return {
        "paths": {
            "/x": {
                "post": {
                    "requestBody": content(asks),
                    "responses": {"200": content(schema), "422": content("Refusal")},
                }
            }
        },
        "components": {
            "schemas": {
                "Both": dict(whole),
                "Answer": dict(whole),
                "Inner": {"properties": {"c": {}}},
                "Asked": {"properties": {"d": {}}},
                "Refusal": {"properties": {"e": {}}},
            }
        },
    }


def required(api: dict) -> dict[str, list[str]]:
    return {name: one.get("required", []) for name, one in api["components"]["schemas"].items()}


def test_answers_are_whole_all_the_way_down_and_questions_stay_as_they_are() -> None:
    api = described("Answer", asks="Asked")
    require_what_is_always_there(api)
    assert required(api) == {
        "Answer": ["a", "b"],
        "Inner": ["c"],
        "Both": ["a"],
        "Asked": [],
        "Refusal": [],
    }


def test_what_is_asked_too_stays_as_it_is() -> None:
    api = described("Both", asks="Both")
    require_what_is_always_there(api)
    assert required(api) == required(described("Both", asks="Both"))


def test_a_call_is_described_whole() -> None:
    call = document()["components"]["schemas"]["CallView"]
    assert set(call["required"]) == set(call["properties"])
