"""One running Asterisk: start, wait until it serves, disturb, stop, and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from backbone.errors import UserError
from tingzhen.lab import manager
from tingzhen.lab.addresses import LabAddresses
from tingzhen.lab.configuration import LabSettings, choose_addresses, write_configuration
from tingzhen.lab.install import Installation, install, lab_home
from tingzhen.lab.processes import ProcessMark

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 30.0
"""How long Asterisk may take until FullyBooted (it takes about one second)."""
STOP_SECONDS = 3.0
_SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket on Linux."""
_INSTANCE_FILE = "instance.json"


class LabError(UserError):
    """The lab cannot do what was asked; the text says why."""


class InstanceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the next program must know of an instance to use it or to clear it away.

    Attributes:
        owner: The process that stops it, None when it is to outlive the one who started it.
        process: Asterisk itself, None while it is being started.
        addresses: Where it is reached.
    """

    owner: ProcessMark | None
    process: ProcessMark | None
    addresses: LabAddresses


class AsteriskInstance:
    """A real Asterisk in a state folder of its own; made by `start`."""

    def __init__(
        self, installation: Installation, addresses: LabAddresses, folder: Path, *, detached: bool
    ) -> None:
        self.addresses = addresses
        self.folder = folder
        self._installation = installation
        self._detached = detached
        self._process: ProcessMark | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of Asterisk.

        Raises:
            LabError: It is not running.
        """
        if self._process is None or not self._process.alive():
            raise LabError("Asterisk is not running")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs (a frozen one does)."""
        return self._process is not None and self._process.alive()

    async def launch(self) -> None:
        """Start the process with the configuration in the folder and wait until it serves.

        Raises:
            LabError: It ended or did not get ready; the text holds the end of its log.
        """
        command = [
            str(self._installation.program),
            "-f",
            "-C",
            str(self.folder / "etc" / "asterisk.conf"),
        ]
        if os.geteuid() == 0:
            # A PBX has its machine to itself; here browsers and recognition compete with it, and
            # a starved one loses audio that no test means to be lost. (Its own real-time option
            # gives up when its canary is starved.)
            command = ["nice", "-n", "-10", *command]
        guard = shutil.which("setpriv")
        if not self._detached and guard:
            # Should this program be killed, the kernel ends Asterisk too.
            command = [guard, "--pdeathsig", "KILL", "--", *command]
        self._spawn(command)
        await self.wait_ready()

    def _spawn(self, command: list[str]) -> None:
        with (self.folder / "log" / "console.log").open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own installation
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.folder,
            )
        self._process = ProcessMark.of(self._child.pid)
        self._write_record()

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until a manager login hears FullyBooted.

        Raises:
            LabError: The process ended, or it took too long.
        """
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._reap()
                    if not self.alive:
                        raise LabError(f"Asterisk ended while starting\n{self.log_tail()}")
                    try:
                        async with self.manager() as connection:
                            await connection.booted.wait()
                            return
                    except (OSError, manager.ManagerError):
                        # Nothing to wait on before the port exists: ask again shortly.
                        await asyncio.sleep(0.05)
        except TimeoutError:
            raise LabError(f"Asterisk not ready after {seconds} s\n{self.log_tail()}") from None

    def manager(self) -> contextlib.AbstractAsyncContextManager[manager.Manager]:
        """Return a connection of the user who may do everything."""
        to = self.addresses
        return manager.connect(to.ami_host, to.ami_port, to.ami_admin_user, to.ami_admin_secret)

    async def console(self, command: str) -> str:
        """Run a command of Asterisk's console, as ``asterisk -rx`` does."""
        async with self.manager() as connection:
            return await connection.command(command)

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of what Asterisk wrote."""
        for name in ("console.log", "full.log"):
            with contextlib.suppress(OSError):
                text = (self.folder / "log" / name).read_text(encoding="utf-8", errors="replace")
                if text.strip():
                    return "\n".join(text.splitlines()[-lines:])
        return ""

    # -- disturbances, for resilience tests ------------------------------------------------

    def kill(self) -> None:
        """End it at once, as a crash does (kill -9); `launch` starts it again."""
        if self._process is not None:
            self._process.kill()
        self._reap()

    def freeze(self) -> None:
        """Stop it without its connections noticing (SIGSTOP)."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on (SIGCONT)."""
        os.killpg(self.pid, signal.SIGCONT)

    async def restart_now(self) -> None:
        """Have it restart itself in the middle of everything, and wait until it serves again."""
        async with self.manager() as connection:
            with contextlib.suppress(manager.ManagerError):
                await connection.command("core restart now")
            async with asyncio.timeout(START_SECONDS):
                await connection.closed.wait()
        await self.wait_ready()

    def stop(self) -> None:
        """End it and remove its folder. Safe to call again."""
        if self._process is not None:
            self._process.kill(grace=STOP_SECONDS)
        self._reap()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _reap(self) -> None:
        if self._child is not None:
            self._child.poll()

    def _write_record(self) -> None:
        # While it is being started, a detached one too belongs to the program that starts it.
        launched = self._detached and self._process is not None
        record = InstanceRecord(
            owner=None if launched else ProcessMark.of(os.getpid()),
            process=self._process,
            addresses=self.addresses,
        )
        target = self.folder / _INSTANCE_FILE
        fresh = target.with_suffix(".new")
        fresh.touch(mode=0o600)  # it holds the secrets
        fresh.write_bytes(msgspec.json.encode(record))
        fresh.replace(target)


async def start(
    settings: LabSettings | None = None, *, name: str | None = None, home: Path | None = None
) -> AsteriskInstance:
    """Start an Asterisk and wait until it serves.

    Args:
        settings: What is to be chosen; by default everything is unused ports on loopback.
        name: Name of a detached instance, which outlives this program; by default it is bound to
            this program and ends with it.
        home: The lab's folder, by default `lab_home`.

    Raises:
        LabError: It does not start, or one of this name runs already.
        InstallError: No Asterisk is installed and it cannot be installed here.
    """
    home = home or lab_home()
    installation = await asyncio.to_thread(install, home)
    with _runs_locked(home):
        _sweep(home)
        folder = home / "run" / (name or f"p{os.getpid()}-{secrets.token_hex(3)}")
        if folder.exists():
            raise LabError(f"a lab named {name} runs already")
        if len(str(folder / "run" / "asterisk.ctl")) > _SOCKET_PATH_LIMIT:
            raise LabError(f"{folder} is too long a path for a socket: set TINGZHEN_LAB shorter")
        folder.mkdir(parents=True)
        addresses = choose_addresses(settings or LabSettings(), folder)
        instance = AsteriskInstance(installation, addresses, folder, detached=name is not None)
        instance._write_record()  # noqa: SLF001 - before the lock is left, so that no sweep takes it
    try:
        write_configuration(addresses, installation, folder)
        _write_hold_music(folder / "moh" / "tone.wav")
        await instance.launch()
    except BaseException:
        instance.stop()
        raise
    return instance


def find(name: str, home: Path | None = None) -> InstanceRecord | None:
    """Return the record of a detached instance that runs, else None."""
    record = _record((home or lab_home()) / "run" / name)
    return record if record and record.process and record.process.alive() else None


def stop_named(name: str, home: Path | None = None) -> bool:
    """End a detached instance and remove its folder; say whether there was one."""
    home = home or lab_home()
    folder = home / "run" / name
    record = _record(folder)
    if record and record.process:
        record.process.kill(grace=STOP_SECONDS)
    there = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return there


def sweep(home: Path | None = None) -> int:
    """Clear away what crashed programs left, and return how many instances that were."""
    home = home or lab_home()
    with _runs_locked(home):
        return _sweep(home)


def _sweep(home: Path) -> int:
    cleared = 0
    for folder in sorted((home / "run").iterdir()):
        if not folder.is_dir():
            continue
        record = _record(folder)
        if record is not None:
            if record.owner is not None and record.owner.alive():
                continue
            if record.process is not None:
                if record.owner is None and record.process.alive():
                    continue
                record.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
        cleared += 1
    return cleared


def _record(folder: Path) -> InstanceRecord | None:
    try:
        return msgspec.json.decode((folder / _INSTANCE_FILE).read_bytes(), type=InstanceRecord)
    except (OSError, msgspec.DecodeError):
        return None


@contextlib.contextmanager
def _runs_locked(home: Path) -> Iterator[None]:
    try:
        (home / "run").mkdir(parents=True, exist_ok=True)
        opened = (home / "run.lock").open("w")
    except PermissionError as error:
        raise LabError(f"{home} belongs to another user: chown it, or set TINGZHEN_LAB") from error
    with opened as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_hold_music(target: Path) -> None:
    """Write two seconds of a soft 440 Hz tone: callers on hold must hear something."""
    times = np.arange(16_000) / 8_000
    samples = (2_000 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    with wave.open(str(target), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(samples.tobytes())
