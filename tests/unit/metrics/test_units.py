"""What systemd itself says of the units for sites without containers, and the image's start."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tingzhen.cli import app
from tingzhen.settings import Settings

ROOT = Path(__file__).parents[3]
UNITS = sorted((ROOT / "docker" / "systemd").iterdir())
PROGRAM = Path(sysconfig.get_path("scripts")) / "tingzhen"


def test_systemd_accepts_the_units(tmp_path):
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/tingzhen/bin/tingzhen", str(PROGRAM))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in checked.stderr.splitlines() if "tingzhen" in line]
    assert (checked.returncode, ours) == (0, [])


@pytest.mark.parametrize("unit", [u for u in UNITS if u.suffix == ".service"], ids=lambda u: u.stem)
def test_a_unit_runs_a_command_that_there_is_with_options_that_there_are(unit):
    text = unit.read_text(encoding="utf-8")
    (start,) = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    _, command, *arguments = shlex.split(start)
    told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    for option in (each for each in arguments if each.startswith("--")):
        assert option in told.stdout
    assert re.search(r"^User=tingzhen$", text, re.MULTILINE)
    assert "NoNewPrivileges=true" in text


def test_settings_in_the_units_are_settings(monkeypatch):
    for unit in UNITS:
        for line in re.findall(
            r"^Environment=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE
        ):
            for assignment in shlex.split(line):
                name, value = assignment.split("=", 1)
                monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.log_json is True
    assert settings.metrics.token_file is not None


def test_the_asterisk_image_starts_with_its_templates_filled(tmp_path):
    assert shutil.which("envsubst"), "envsubst is missing: apt-get install gettext-base"
    for folder in ("etc", "lib"):
        (tmp_path / folder).mkdir()
    secret = tmp_path / "secret"
    secret.write_text("sesame", encoding="utf-8")
    names = ("AMI_LISTENER", "AMI_ADMIN", "ARI", "AGENT")
    started = subprocess.run(
        [ROOT / "docker" / "asterisk" / "entrypoint.sh", "-v"],
        env={
            "PATH": "/usr/bin:/bin",
            "TEMPLATES": str(ROOT / "tingzhen" / "lab" / "asterisk_conf"),
            "STATE_DIR": str(tmp_path),
            "MODULE_DIR": "/usr/lib/asterisk/modules",
            "ASTERISK": "/bin/echo",
            **{f"{name}_SECRET_FILE": str(secret) for name in names},
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout.split() == ["-f", "-C", f"{tmp_path}/etc/asterisk.conf", "-v"]
    manager = (tmp_path / "etc" / "manager.conf").read_text(encoding="utf-8")
    assert "secret = sesame" in manager
    assert "timestampevents = yes" in manager.replace("=", " = ").replace("  ", " ")
    agents = (tmp_path / "etc" / "pjsip_agents.conf").read_text(encoding="utf-8")
    assert agents.count("type = auth") == 10


def test_the_asterisk_image_does_not_start_without_its_secrets(tmp_path):
    started = subprocess.run(
        [ROOT / "docker" / "asterisk" / "entrypoint.sh"],
        env={"PATH": "/usr/bin:/bin", "STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert started.returncode == 2
    assert "set AMI_LISTENER_SECRET" in started.stderr
