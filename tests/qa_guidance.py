"""Calls followed by the default guidance, loaded once for all tests; and a small part of it."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qa_calls import ANSWERED, CALL, connected, ended, joined, legs, run, spoken
from ruamel.yaml import YAML

from asr.events import TranscriptFinal
from backbone.events import Event
from qa_engine.guidance.call import CallGuidance, Told
from qa_engine.guidance.content import FOLDER, Guidance, load_guidance
from qa_engine.pack import DEFAULT_PACK


@functools.cache
def guidance(pack: Path | None = None) -> Guidance:
    return load_guidance(pack)


_SOME_TOPICS = {"report_query", "complaint"}


@functools.cache
def _small_files() -> dict[str, str]:
    yaml = YAML(typ="safe")
    folder = DEFAULT_PACK / FOLDER
    files: dict[str, Any] = {path.name: yaml.load(path) for path in folder.glob("*.yaml")}
    topics, scripts = files["topics.yaml"], files["scripts.yaml"]
    topics["topics"] = [one for one in topics["topics"] if one["id"] in _SOME_TOPICS]
    scripts["scripts"] = [
        one for one in scripts["scripts"] if one.get("topic", "") in _SOME_TOPICS | {""}
    ]
    for scene in files["scenes.yaml"]["scenes"]:
        for name in ("situations", "hints"):
            scene[name] = scene.get(name, [])[:1]
    for part in files["empathy.yaml"]["library"]:
        part["sentences"] = part["sentences"][:3]
        for sentence in part["sentences"]:
            sentence.pop("topics", None)
    yaml.allow_unicode, yaml.width = True, 10_000  # to be edited as text
    texts = {}
    for name, content in files.items():
        stream = io.StringIO()
        yaml.dump(content, stream)
        texts[name] = stream.getvalue()
    return texts


def write_small_guidance(pack: Path) -> Path:
    """Write the default guidance's folder into a pack, with two topics and few sentences.

    It is for what happens to guidance as files: all of it takes seconds to compile.
    """
    folder = pack / FOLDER
    folder.mkdir(parents=True)
    for name, text in _small_files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def follow(finals: Sequence[TranscriptFinal], duration: float | None = None) -> list[Told]:
    """A whole answered call, with ticks in between."""
    length = duration or max(said.end for said in finals) + 3
    events: list[Event] = [
        joined(),
        connected(),
        *legs(),
        *spoken(finals),
        ended(ANSWERED + length),
    ]
    events.sort(key=lambda event: event.at)
    return run(CallGuidance(guidance(), CALL), events, ANSWERED + length + 15)
