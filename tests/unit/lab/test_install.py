"""Finding and installing Asterisk, as far as it goes without installing one."""

import os
import stat

import pytest

from tingzhen.lab import install


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without an Asterisk of its own, and an empty lab folder."""
    monkeypatch.setattr(install.shutil, "which", lambda _: None)
    return tmp_path


def lay_root(home, *, version="Asterisk 22.9.0+dfsg", modules=install.NEEDED_MODULES):
    root = home / "root"
    folder = root / "usr/lib/x-linux-gnu/asterisk/modules"
    folder.mkdir(parents=True)
    for name in modules:
        (folder / name).touch()
    (root / "usr/share/asterisk/documentation").mkdir(parents=True)
    starter = root / "asterisk"
    starter.write_text(f"#!/bin/sh\necho '{version}'\n")
    starter.chmod(0o755)
    return root


def test_a_finished_installation_is_found_with_its_folders(bare):
    root = lay_root(bare)
    (root / install.MARKER).touch()
    found = install.find_installation(bare)
    assert found.version == "22.9.0"
    assert found.program == root / "asterisk"
    assert (found.modules / "app_queue.so").exists()
    assert install.install(bare) == found


def test_a_half_finished_installation_does_not_count(bare):
    lay_root(bare)
    assert install.find_installation(bare) is None


@pytest.mark.parametrize(
    "lacking",
    [
        {"version": "Asterisk 18.10.0"},
        {"version": "something else"},
        {"modules": install.NEEDED_MODULES[1:]},
    ],
)
def test_an_asterisk_that_does_not_serve_does_not_count(bare, lacking):
    root = lay_root(bare, **lacking)
    (root / install.MARKER).touch()
    assert install.find_installation(bare) is None


def test_without_root_the_command_to_type_is_said(bare, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(install.InstallError, match=r"sudo .* -m tingzhen\.lab\.install"):
        install.install(bare)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6", 22),
        ("Asterisk certified-20.7-cert2", 20),
        ("Asterisk certified/18.9-cert1", 18),
        ("", 0),
        ("bash: asterisk: not found", 0),
    ],
)
def test_a_version_is_read_from_what_asterisk_prints(text, number):
    assert install.installed_version_number(text) == number


def test_the_folder_may_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("TINGZHEN_LAB", str(tmp_path / "x"))
    assert install.lab_home() == (tmp_path / "x").resolve()


def test_the_starter_begins_with_its_own_name_so_that_a_restart_finds_it(tmp_path):
    for name in ("usr/lib/x-linux-gnu/ld-linux-x.so.2", "usr/sbin/asterisk"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    loader = tmp_path / "usr/lib/x-linux-gnu/ld-linux-x.so.2"
    loader.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    loader.chmod(0o755)
    install.write_starter(tmp_path)
    starter = tmp_path / "asterisk"
    assert starter.stat().st_mode & stat.S_IXUSR
    arguments = install.subprocess.run(
        [str(starter), "-f"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert arguments == [
        "--argv0",
        str(starter),
        "--library-path",
        str(tmp_path / "usr/lib/x-linux-gnu"),
        str(tmp_path / "usr/sbin/asterisk"),
        "-f",
    ]
