"""What the documentation names is there: commands, files, routes, events, settings, metrics."""

from __future__ import annotations

import contextlib
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import typer
from pydantic import BaseModel

from agent_console.live.feed import LIVE_EVENTS
from agent_console.permissions import PERMISSIONS
from backbone.events import Delivery, Event, kind_of
from tingzhen.cli import app
from tingzhen.settings import Settings

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "docker/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
PROGRAM = typer.main.get_command(app)


def found(pattern: str) -> list[tuple[Path, re.Match[str]]]:
    return [(page, match) for page, text in TEXTS.items() for match in re.finditer(pattern, text)]


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that some words name, and those that are left over."""
    named = PROGRAM
    for number, word in enumerate(words):
        below = getattr(named, "commands", {}).get(word)
        if below is None:
            return named, words[number:]
        named = below
    return named, []


def test_commands_exist_and_have_these_options() -> None:
    # As code: in backquotes, or a line of a block; `a|b` and `x|y …` name several at once.
    named = found(r"(?m)(?:`|^(?:    |\$ )?(?:\S+/)?)tingzhen ((?:[a-z]+ ?)+)([^`\n|]*)")
    assert len(named) > 60
    for page, match in named:
        chosen, left = command(match[1].split())
        where = (page.name, match[0])
        assert chosen is not PROGRAM, where
        assert not (left and hasattr(chosen, "commands")), where
        known = {option for one in chosen.params for option in (*one.opts, *one.secondary_opts)}
        options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", match[2]))
        assert options <= known | {"--help"}, where


def test_links_and_files_lead_somewhere() -> None:
    links = [(page, match[1]) for page, match in found(r"\]\(([^)#:]+)(?:#[^)]*)?\)")]
    assert len(links) > 80
    assert [(page.name, to) for page, to in links if not (page.parent / to).exists()] == []
    ours = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    files = [(page, match[1]) for page, match in found(rf"`((?:{ours})/[\w./-]+)`")]
    assert len(files) > 15
    assert [(page.name, path) for page, path in files if not (ROOT / path).exists()] == []


def test_routes_exist() -> None:
    known = {re.sub(r"\{\w+\}", "{}", key) for key in PERMISSIONS}
    known |= {key.replace("listening/{}", f"listening/{mode}") for key in known
              for mode in ("listen", "whisper", "barge")}  # fmt: skip
    known.add("GET /openapi.json")
    named = found(r"`(GET|POST|PUT|PATCH|DELETE) (?:/api/v1)?(/[^`\s?\\]*)")
    assert len(named) > 50
    for page, match in named:
        path = re.sub(r"\{\w+\}", "{}", match[2])
        prefixes = ("", "/control") if page.name == "control.md" else ("",)
        assert {f"{match[1]} {prefix}{path}" for prefix in prefixes} & known, (page.name, match[0])


def leaves(event: type[Event]) -> Iterator[type[Event]]:
    below = event.__subclasses__()
    for one in below:
        yield from leaves(one)
    if not below:
        yield event


@pytest.mark.parametrize(
    ("begin", "end", "deliveries"),
    [
        ("* **Numbered**", "* **Not numbered**", {Delivery.DURABLE}),
        ("* **Not numbered**", "* A numbered kind", {Delivery.LATEST, Delivery.LIVE}),
    ],
)
def test_the_live_protocol_names_every_event_of_the_feed_where_it_belongs(
    begin: str, end: str, deliveries: set[Delivery]
) -> None:
    text = TEXTS[ROOT / "docs" / "live-protocol.md"]
    part = text[text.index(begin) : text.index(end)]
    kinds = {kind_of(one): one.delivery for event in LIVE_EVENTS for one in leaves(event)}
    named = set(re.findall(r"`([a-z_]+)`", part))
    assert {kind for kind, delivery in kinds.items() if delivery in deliveries} <= named
    if deliveries == {Delivery.DURABLE}:
        assert named - {"seq"} <= set(kinds)


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield f"{path}{name}", field
        for below in nested(field.annotation):
            yield from fields(below, f"{path}{name}.")


def nested(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from nested(part)


def test_every_setting_says_what_it_is() -> None:
    told = dict(fields(Settings))
    assert len(told) > 150
    silent = {
        path
        for path, field in told.items()
        if not field.description and not list(nested(field.annotation))
    }
    assert silent == set()


def is_module(name: str) -> bool:
    return (ROOT / f"{name.replace('.', '/')}.py").exists()


def test_settings_in_the_documentation_exist() -> None:
    known = {path for path, _ in fields(Settings)}
    heads = {path.split(".")[0] for path in known}
    # `[asr] workers`, `[work.notify] web_push`, `metrics.max_queues`
    named = [
        (page.name, f"{match[1]}.{match[2]}" if match[2] else match[1])
        for page, match in found(r"`\[{1,2}([a-z_.]+)\]{1,2}(?: ([a-z_]+)(?: =[^`]*)?)?`")
        if match[1].split(".")[0] in heads
    ]
    named += [
        (page.name, match[1])
        for page, match in found(rf"`((?:{'|'.join(sorted(heads))})\.[a-z_.]+)`")
        if not re.search(r"\.(key|md|toml|yml)$", match[1])
        and not is_module(match[1])
        and not is_module(match[1].rpartition(".")[0])
    ]
    assert len(named) > 30
    assert [(page, path) for page, path in named if path not in known] == []


def anchor(heading: str) -> str:
    """As forges make them of a heading."""
    words = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", words))


def test_links_into_a_page_lead_to_a_heading() -> None:
    headings = {
        page.resolve(): {anchor(match[1]) for match in re.finditer(r"(?m)^#+ (.+)$", text)}
        for page, text in TEXTS.items()
    }
    links = found(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
    assert len(links) > 1
    assert [
        (page.name, match[0])
        for page, match in links
        if match[2] not in headings[(page.parent / match[1]).resolve() if match[1] else page]
    ] == []


def test_metrics_are_told_of_by_a_name_of_the_program() -> None:
    parts = ("agent_console", "asr", "backbone", "metrics", "qa_engine", "telephony", "tingzhen")
    files = [file for part in parts for file in (ROOT / part).rglob("*.py")]
    literals = set(re.findall(r'"([a-z][a-z0-9_]+)"', "".join(map(Path.read_text, files))))
    named = found(r"tingzhen_([a-z0-9_]+[a-z0-9])\b(?!_)")
    assert len(named) > 20
    for page, match in named:
        # Whole, or behind the name of its part: `asr_legs` is the `legs` of `asr`.
        name = re.sub(r"_(total|bucket|count|sum)$", "", match[1])
        whole = {f"tingzhen_{name}", match[1], name, name.partition("_")[2]}
        assert whole & literals, (page.name, match[0])


def test_settings_shown_in_the_documentation_are_taken() -> None:
    shown = []
    for page, text in TEXTS.items():
        for block in re.findall(r"(?m)(?:^    .*\n|^\n)+", text):
            lines = textwrap.dedent(block)
            if not re.search(r"(?m)^\[+[a-z_.]+\]+$", lines):
                continue
            with contextlib.suppress(tomllib.TOMLDecodeError):  # Asterisk's own
                shown.append((page, tomllib.loads(lines)))
    assert len(shown) > 5
    for _page, values in shown:
        Settings(**values)
