"""What is missing on this machine, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from typing import Literal

from asr.model import ModelError, find_model
from tingzhen.lab.install import find_installation
from tingzhen.settings import Settings

Needed = Literal["demo", "tests", "extra"]

_FREE_BYTES = 2 << 30
_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `mend` is the command that puts it right, empty when it is right."""

    what: str
    ok: bool
    detail: str
    needed: Needed
    mend: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one finding after the other as it is known."""
    for check in _CHECKS:
        yield from check(settings)


def _python(_settings: Settings) -> Iterator[Finding]:
    yield Finding(
        "Python", sys.version_info >= (3, 11), sys.version.split()[0], "demo", "install Python 3.11"
    )


def _model(settings: Settings) -> Iterator[Finding]:
    name = settings.asr.model
    try:
        found = find_model(name, settings.asr.models_dir)
        detail = str(found) if found else "not here yet"
    except ModelError as error:
        found, detail = None, str(error)
    yield Finding(
        f"recognition model {name}",
        found is not None,
        detail,
        "demo",
        "" if found else "tingzhen doctor --fetch-model",
    )


def _assets(_settings: Settings) -> Iterator[Finding]:
    page = resources.files("agent_console") / "static" / "index.html"
    ok = page.is_file()
    yield Finding(
        "web page", ok, "built" if ok else "not built", "demo", "" if ok else "pip install -e ."
    )


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        free >= _FREE_BYTES and os.access(folder, os.W_OK),
        f"{free / (1 << 30):.1f} GiB free for {settings.data_dir}",
        "demo",
        "" if free >= _FREE_BYTES else "make room, or set data_dir",
    )


def _port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.console.host, settings.console.port
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        yield Finding(
            "console port",
            False,
            f"{host}:{port}: {error.strerror}",
            "demo",
            "stop what listens there, or set [console] port",
        )
    else:
        yield Finding("console port", True, f"{host}:{port} is free", "demo")


def _pbxs(settings: Settings) -> Iterator[Finding]:
    for pbx in settings.pbx:
        try:
            with socket.create_connection((pbx.host, pbx.port), timeout=_TIMEOUT_S) as connection:
                connection.settimeout(_TIMEOUT_S)
                banner = connection.recv(64).split(b"\r\n")[0].decode("ascii", "replace")
            ok, detail = banner.startswith("Asterisk Call Manager"), banner
        except OSError as error:
            ok, detail = False, str(error.strerror or error)
        yield Finding(
            f"PBX {pbx.system}",
            ok,
            f"{pbx.host}:{pbx.port}: {detail}",
            "demo",
            "" if ok else "check manager.conf (enabled, bindaddr) and the firewall",
        )


def _lab(_settings: Settings) -> Iterator[Finding]:
    found = find_installation()
    yield Finding(
        "Asterisk for the lab",
        found is not None,
        found.version if found else "not installed",
        "tests",
        "" if found else "sudo tingzhen lab install",
    )


def _programs(_settings: Settings) -> Iterator[Finding]:
    for program, package in (
        ("chromium", "chromium"),
        ("prometheus", "prometheus"),
        ("promtool", "prometheus"),
        ("debootstrap", "debootstrap"),
    ):
        path = shutil.which(program)
        yield Finding(
            program,
            path is not None,
            path or "not found",
            "tests",
            "" if path else f"sudo apt-get install {package}",
        )


def _microphone(_settings: Settings) -> Iterator[Finding]:
    ok = find_spec("pyaudio") is not None
    yield Finding(
        "sound cards",
        ok,
        "PyAudio" if ok else "PyAudio is not installed",
        "extra",
        "" if ok else "sudo apt-get install portaudio19-dev && pip install 'tingzhen[mic]'",
    )


_CHECKS: tuple[Check, ...] = (
    _python,
    _model,
    _assets,
    _disk,
    _port,
    _pbxs,
    _lab,
    _programs,
    _microphone,
)
