"""The page's own checks: types, its logic's tests, and how much a browser must load."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

import agent_console
from agent_console.app import STATIC
from agent_console.openapi import document
from backbone.events import kind_of
from qa_engine.storage import CHANGES
from telephony.control.permissions import ACTIONS

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "agent_console" / "web"
MOST_SCRIPT_BYTES = 74_000
"""Gzipped, of what the lead's page loads first."""


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not (WEB / "node_modules" / "vitest").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, check=True)


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_pages_own_checks_pass(script: str) -> None:
    done = subprocess.run(
        ["npm", "run", script], cwd=WEB, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_is_light_and_asks_nobody_else() -> None:
    assert (STATIC / "index.html").is_file(), "build the page first: pip install -e ."
    page = (STATIC / "index.html").read_text()
    assert "//" not in page.replace("<!doctype html>", "")
    [desk] = (STATIC / "assets").glob("DeskPage-*.js")
    loaded: set[Path] = set()
    waiting = {*(STATIC / path for path in re.findall(r'src="/(assets/[^"]+\.js)"', page)), desk}
    while waiting:
        script = waiting.pop()
        loaded.add(script)
        imported = re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', script.read_text())
        waiting |= {script.parent / name for name in imported} - loaded
    assert len(loaded) > len({"the frame", "the desk"}), "the pattern finds no imports"
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < MOST_SCRIPT_BYTES


def test_the_pages_types_are_those_of_the_api(tmp_path: Path) -> None:
    """All requests go through them: a route or field that is gone fails the types' check."""
    described, made = tmp_path / "openapi.json", tmp_path / "openapi.d.ts"
    described.write_text(json.dumps(document(), sort_keys=True))
    subprocess.run(["npx", "openapi-typescript", described, "-o", made], cwd=WEB, check=True)
    kept = WEB / "src" / "lib" / "openapi.d.ts"
    assert kept.read_text() == made.read_text(), "the API has changed: npm run api"


def test_only_the_typed_client_asks_the_server() -> None:
    asking = {
        str(file.relative_to(WEB / "src"))
        for file in (WEB / "src").rglob("*")
        if file.suffix in {".ts", ".svelte"} and re.search(r"\bfetch\(", file.read_text())
    }
    # The worker has no page: it tells once that a browser's push address has changed.
    assert asking == {"lib/client.ts", "sw.ts"}


def test_every_audited_deed_has_its_word() -> None:
    package = Path(agent_console.__file__).parent
    pattern = r'(?:(?:entry|note)\(\s*context, who, |\baction=)"(\w+)"'
    written = {
        action for file in package.rglob("*.py") for action in re.findall(pattern, file.read_text())
    }
    assert {"user_created", "report_asked", "play"} <= written, "the pattern finds no actions"
    words = "".join(file.read_text() for file in (WEB / "src" / "lib" / "words").glob("*.ts"))
    deeds = written | set(ACTIONS) | {kind_of(event) for event in CHANGES}
    assert {deed for deed in deeds if f"action_{deed}:" not in words} == set()
