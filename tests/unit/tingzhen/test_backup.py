"""A backup made while the store is written to, put back elsewhere; and backups that are damaged."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from metrics_script import connected, ended, joined
from sqlalchemy import func, insert, select
from typer.testing import CliRunner

from backbone.bus import Bus
from backbone.counters import Counters
from backbone.errors import UserError
from backbone.store.engine import open_engine, sqlite_url
from backbone.store.journal import StoreJournal
from backbone.store.schema import calls, journal
from telephony import storage
from tingzhen.backup import back_up, restore
from tingzhen.cli import app
from tingzhen.settings import Settings


def settings_in(folder):
    folder.mkdir(exist_ok=True)
    return Settings(data_dir=folder)


def counted(folder, table=calls):
    engine = open_engine(sqlite_url(folder / "tingzhen.sqlite3"))
    with engine.connect() as connection:
        number = connection.scalar(select(func.count()).select_from(table))
    engine.dispose()
    return number


def write_call(folder, name):
    engine = open_engine(sqlite_url(folder / "tingzhen.sqlite3"))
    with engine.begin() as connection:
        connection.execute(
            insert(calls).values(
                call_id=name, system="pbx", uniqueid=name, visit=1, queue="support", joined_at=1.0
            )
        )
    engine.dispose()


@pytest.fixture
def site(tmp_path):
    settings = settings_in(tmp_path / "site")
    write_call(settings.data_dir, "one")
    (settings.data_dir / "console.key").write_bytes(b"key")
    (settings.data_dir / "recordings" / "2026").mkdir(parents=True)
    (settings.data_dir / "recordings" / "2026" / "one.flac").write_bytes(b"sound" * 1000)
    return settings


async def test_a_backup_of_a_store_that_is_being_written_to_holds_whole_calls(tmp_path):
    settings = settings_in(tmp_path / "site")
    engine = open_engine(settings.store_url)
    counters = Counters()
    keeper = StoreJournal(engine, counters, storage.PROJECTIONS)
    bus = Bus(counters, keeper)
    keeper.start()
    await bus.start()
    for number in range(20):
        call = f"call-{number}"
        for event in (joined(call), connected(call), ended(call)):
            await bus.publish(event)
        if number == 10:
            back_up(settings, tmp_path / "night.tar")
    await keeper.close()
    engine.dispose()
    other = settings_in(tmp_path / "other")
    restore(other, tmp_path / "night.tar")
    assert counters.get("journal_failures") == 0
    assert counted(settings.data_dir) == 20
    assert 11 <= counted(other.data_dir) < 20
    assert counted(other.data_dir, journal) >= 3 * 11


def test_what_was_asked_for_comes_back_byte_for_byte(site, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "tingzhen.toml").write_text("log_json = true\n", encoding="utf-8")
    manifest = back_up(site, tmp_path / "all.tar", recordings=True, extra=[tmp_path / "etc"])
    assert [entry.path for entry in manifest.files] == [
        "tingzhen.sqlite3",
        "console.key",
        "recordings/2026/one.flac",
        "extra/etc/tingzhen.toml",
    ]
    other = settings_in(tmp_path / "other")
    assert restore(other, tmp_path / "all.tar") == manifest
    assert counted(other.data_dir) == 1
    assert (other.data_dir / "console.key").read_bytes() == b"key"
    assert (other.recordings_dir / "2026" / "one.flac").read_bytes() == b"sound" * 1000
    restored = other.data_dir / "restored-extra" / "etc" / "tingzhen.toml"
    assert restored.read_text(encoding="utf-8") == "log_json = true\n"
    assert {file.name for file in tmp_path.iterdir()} == {"site", "etc", "all.tar", "other"}


def test_a_store_that_is_there_is_moved_aside_only_when_asked(site, tmp_path):
    back_up(site, tmp_path / "one.tar")
    write_call(site.data_dir, "two")
    with pytest.raises(UserError, match="--replace"):
        restore(site, tmp_path / "one.tar")
    assert counted(site.data_dir) == 2
    restore(site, tmp_path / "one.tar", replace=True)
    assert counted(site.data_dir) == 1
    assert (site.data_dir / "tingzhen.sqlite3.before-restore").exists()


def members(file):
    with tarfile.open(file) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def packed(file, contents):
    with tarfile.open(file, "w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda m: m | {"tingzhen.sqlite3": flipped(m["tingzhen.sqlite3"])}, "checksum"),
        (lambda m: {k: v for k, v in m.items() if k != "console.key"}, "console.key is missing"),
        (lambda m: m | {"more": b""}, "not in the manifest"),
        (lambda m: {k: v for k, v in m.items() if k != "manifest.json"}, "manifest"),
        (lambda m: m | {"manifest.json": b"{}"}, "manifest"),
    ],
)
def test_a_damaged_backup_is_refused_and_changes_nothing(site, tmp_path, spoil, said):
    back_up(site, tmp_path / "good.tar")
    bad = packed(tmp_path / "bad.tar", spoil(members(tmp_path / "good.tar")))
    with pytest.raises(UserError, match=said):
        restore(site, bad, replace=True)
    assert counted(site.data_dir) == 1
    assert not (site.data_dir / "tingzhen.sqlite3.before-restore").exists()


def test_a_backup_cannot_write_outside_its_places(site, tmp_path):
    back_up(site, tmp_path / "good.tar")
    contents = members(tmp_path / "good.tar")
    manifest = json.loads(contents["manifest.json"])
    manifest["files"][1]["path"] = "extra/../../escaped"
    contents["manifest.json"] = json.dumps(manifest).encode()
    contents["extra/../../escaped"] = contents.pop("console.key")
    bad = packed(tmp_path / "bad.tar", contents)
    with pytest.raises(UserError, match="escaped"):
        restore(settings_in(tmp_path / "other"), bad)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 4096])
def test_another_file_is_no_backup(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UserError):
        restore(settings_in(tmp_path / "other"), tmp_path / "file")


def test_the_commands_say_what_they_did(site, tmp_path, monkeypatch):
    monkeypatch.setenv("TINGZHEN_DATA_DIR", str(site.data_dir))
    done = CliRunner().invoke(app, ["backup", str(tmp_path), "--recordings", "--json"])
    line = json.loads(done.stdout)
    assert (line["type"], line["files"]) == ("backup", 3)
    put_back = CliRunner().invoke(app, ["restore", line["file"], "--replace", "--json"])
    assert json.loads(put_back.stdout)["bytes"] == line["bytes"]
    assert counted(site.data_dir) == 1
