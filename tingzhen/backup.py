"""Backups: one tar file with the store as it is at one instant, and what cannot be made again.

The database is copied by SQLite's own online backup, so the node goes on running. The first member
of the file is a manifest with the size and the SHA-256 of every other; a restore checks them all
before it puts anything in place.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import msgspec

from backbone.errors import UserError
from tingzhen.settings import Settings

MANIFEST = "manifest.json"
DATABASE = "tingzhen.sqlite3"
KEY = "console.key"
"""What push addresses in the store are encrypted with; without it they would be lost."""
RECORDINGS = "recordings"
EXTRA = "extra"

_FORMAT = 1
_CHUNK = 1 << 20
_LONGEST_MANIFEST = 256 << 20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a backup."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds; `made_at` is ISO 8601 in UTC."""

    format: int
    tingzhen: str
    made_at: str
    files: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    path: str
    file: Path


def back_up(
    settings: Settings, target: Path, *, recordings: bool = False, extra: Sequence[Path] = ()
) -> Manifest:
    """Write a backup, while the node may be running.

    Args:
        settings: of the node; its store must be SQLite.
        target: the tar file; it appears whole or not at all.
        recordings: take in the recordings.
        extra: configuration, rule packs and lexicons to take in, files or folders.

    Raises:
        UserError: there is no store, it is none of SQLite's, or a file cannot be read or written.
    """
    store = _store(settings)
    if not store.is_file():
        raise UserError(f"{store}: there is no store to back up")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            copy = Path(folder) / DATABASE
            _copy_database(store, copy)
            sources = [_Source(DATABASE, copy), *_below(_key_file(settings), KEY)]
            if recordings:
                sources += _below(settings.recordings_dir, RECORDINGS)
            for path in extra:
                sources += _below(path, f"{EXTRA}/{path.resolve().name}")
            whole = Path(folder) / "backup.tar"
            manifest = _write(whole, sources)
            whole.replace(target)
    except sqlite3.Error as error:
        raise UserError(f"{store}: cannot be copied: {error}") from error
    except OSError as error:
        raise UserError(f"{error.filename or target}: {error.strerror or error}") from error
    return manifest


def _store(settings: Settings) -> Path:
    url = settings.store_url
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UserError(
            "the store is no SQLite file: back PostgreSQL up with pg_dump, see docs/operations.md"
        )
    return Path(url.database)


def _key_file(settings: Settings) -> Path:
    return settings.work.key_file or settings.data_dir / KEY


def _copy_database(store: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it


def _below(path: Path, name: str) -> Iterator[_Source]:
    """A file, or all files of a folder; links are not followed, for they may lead anywhere."""
    if path.is_file():
        yield _Source(name, path)
        return
    for folder, folders, files in os.walk(path):
        folders.sort()
        for file in sorted(files):
            found = Path(folder) / file
            if found.is_file() and not found.is_symlink():
                yield _Source(f"{name}/{found.relative_to(path).as_posix()}", found)


def _write(target: Path, sources: Sequence[_Source]) -> Manifest:
    entries = []
    with tempfile.TemporaryFile(dir=target.parent) as spool:
        # A recording under way grows while it is read: what was read is what counts.
        for source in sources:
            start, digest = spool.tell(), hashlib.sha256()
            with source.file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    spool.write(chunk)
            size = spool.tell() - start
            entries.append(Entry(path=source.path, size=size, sha256=digest.hexdigest()))
        manifest = Manifest(
            format=_FORMAT,
            tingzhen=version("tingzhen"),
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files=tuple(entries),
        )
        spool.seek(0)
        with tarfile.open(target, "w") as tar:
            told = msgspec.json.encode(manifest)
            _add(tar, MANIFEST, len(told), io.BytesIO(told))
            for entry in entries:
                _add(tar, entry.path, entry.size, spool)
    return manifest


def _add(
    tar: tarfile.TarFile, name: str, size: int, stream: io.BufferedIOBase | io.BytesIO
) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    tar.addfile(member, stream)  # from where the stream stands


def restore(settings: Settings, source: Path, *, replace: bool = False) -> Manifest:
    """Put a backup's store and recordings in place, after all its checksums were right.

    Extra files go to `restored-extra` in the data folder, to be compared with what is there.

    Args:
        settings: of the node, which must not be running.
        source: a file of `back_up`.
        replace: move a store that is there aside (`.before-restore`) instead of refusing.

    Raises:
        UserError: the file is no backup or is damaged, or a store is there already.
    """
    store = _store(settings)
    if store.exists() and not replace:
        raise UserError(f"{store}: there is a store already; --replace moves it aside")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store.parent, prefix=".restore-") as folder:
            manifest = _unpack(source, Path(folder))
            _check_database(Path(folder) / DATABASE)
            _put_in_place(settings, store, Path(folder))
    except (tarfile.TarError, EOFError) as error:
        raise UserError(f"{source}: no backup, or damaged: {error}") from error
    except OSError as error:
        raise UserError(f"{error.filename or source}: {error.strerror or error}") from error
    return manifest


def _unpack(source: Path, folder: Path) -> Manifest:
    with tarfile.open(source, "r:") as tar:
        first = tar.next()
        stream = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
        if first is None or stream is None or first.size > _LONGEST_MANIFEST:
            raise UserError(f"{source}: no backup of Tingzhen: it does not begin with a manifest")
        try:
            manifest = msgspec.json.decode(stream.read(), type=Manifest)
        except msgspec.MsgspecError as error:
            raise UserError(f"{source}: its manifest cannot be read: {error}") from error
        if manifest.format != _FORMAT:
            raise UserError(f"{source}: made by another version, format {manifest.format}")
        expected = {entry.path: entry for entry in manifest.files}
        for member in tar:
            if member.name == MANIFEST:
                continue
            entry = expected.pop(member.name, None)
            if entry is None or not member.isfile() or not _is_inside(member.name):
                raise UserError(f"{source}: {member.name!r} is not in the manifest")
            _unpack_file(tar, member, entry, folder)
    if expected:
        raise UserError(f"{source}: damaged: {next(iter(expected))} is missing")
    return manifest


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    known = name in {DATABASE, KEY} or path.parts[0] in {RECORDINGS, EXTRA}
    return known and not path.is_absolute() and ".." not in path.parts


def _unpack_file(tar: tarfile.TarFile, member: tarfile.TarInfo, entry: Entry, folder: Path) -> None:
    stream = tar.extractfile(member)
    assert stream is not None  # noqa: S101 - it is a file
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as output:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            output.write(chunk)
    if (member.size, digest.hexdigest()) != (entry.size, entry.sha256):
        raise UserError(f"{member.name}: damaged: its checksum is not the manifest's")


def _check_database(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise UserError(f"the backup's database cannot be opened: {error}") from error
    if answer != "ok":
        raise UserError(f"the backup's database is damaged: {answer}")


def _put_in_place(settings: Settings, store: Path, folder: Path) -> None:
    for suffix in ("", "-wal", "-shm"):  # the log belongs to the store that moves aside
        old = store.with_name(store.name + suffix)
        if old.exists():
            old.replace(old.with_name(f"{store.name}.before-restore{suffix}"))
    (folder / DATABASE).replace(store)
    if (folder / KEY).is_file():
        key = _key_file(settings)
        shutil.copyfile(folder / KEY, key)
        key.chmod(0o600)
    for name, target in (
        (RECORDINGS, settings.recordings_dir),
        (EXTRA, settings.data_dir / "restored-extra"),
    ):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, target, dirs_exist_ok=True)
