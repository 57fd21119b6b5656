"""The page's own checks: types, its logic's tests, and how much a browser must load."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest

from agent_console.app import STATIC

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "agent_console" / "web"
MOST_SCRIPT_BYTES = 150_000
"""Gzipped, of all pages together; the lead's first load is a part of it."""


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
    scripts = list((STATIC / "assets").glob("*.js"))
    assert scripts
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < MOST_SCRIPT_BYTES
    page = (STATIC / "index.html").read_text()
    assert "//" not in page.replace("<!doctype html>", "")
