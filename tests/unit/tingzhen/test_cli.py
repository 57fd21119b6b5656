"""What the command line prints, and what it says of bad input."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import typer
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from tingzhen.cli import app, main, run

ROOT = Path(__file__).parents[3]
CAPTURES = ROOT / "tests" / "data" / "captures"


@dataclass
class Said:
    returncode: int
    stdout: str
    stderr: str


Tingzhen = Callable[..., Said]


@pytest.fixture
def tingzhen(capfd, monkeypatch) -> Tingzhen:
    """The program in this process, with its arguments and the environment given."""

    def run(*arguments: object, **environment: str) -> Said:
        for name, value in {"COLUMNS": "200", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["tingzhen", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        return Said(done.value.code or 0, *capfd.readouterr())

    return run


def program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own, as a user has it."""
    return subprocess.run(
        [sys.executable, "-c", "from tingzhen.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=140,
        check=False,
    )


def commands(group: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    """Every command that is no group and not hidden, as its words."""
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield from commands(command, *names, name)
    if not hasattr(group, "commands"):
        yield names


COMMANDS = list(commands(typer.main.get_command(app)))


def test_all_commands_are_known() -> None:
    assert {("run",), ("lab", "up"), ("rules", "check"), ("bench", "match")} <= set(COMMANDS)
    assert len(COMMANDS) > 30


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_tells_what_a_command_does_and_shows_an_example(words):
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    usage, _, told = done.output.partition("Example")
    assert "Usage" in usage
    assert f"tingzhen {' '.join(words)}" in told


@pytest.mark.parametrize("words", [(), ("lab",), ("rules",)], ids=" ".join)
def test_help_lists_the_commands(tingzhen, words):
    done = tingzhen(*words, "--help")
    assert done.returncode == 0, done.stderr
    below = {command[len(words)] for command in COMMANDS if command[: len(words)] == words}
    assert below
    assert {
        name for name in below if not re.search(rf"^\W+{name}\b", done.stdout, re.MULTILINE)
    } == set()


def test_calls_prints_one_record_a_line(tingzhen):
    done = tingzhen("calls", "--ami", CAPTURES / "rna_then_other.ami", "--json")
    assert done.returncode == 0, done.stderr
    (record,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert record["type"] == "call"
    assert (record["queue"], record["agent"]) == ("ordered", "PJSIP/1002")
    assert (record["outcome"], record["hangup_by"]) == ("answered", "customer")
    assert record["wait_s"] == pytest.approx(8.017, abs=0.05)
    assert record["ring_s"] == pytest.approx(2.001, abs=0.05)
    assert record["complete"] is True


@pytest.fixture
def broken_pack(tmp_path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "pack.yaml").write_text("pack: mine\nversion: '1'\ncolour: red\n", "utf-8")
    return pack


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("calls", "--ami", "missing.ami"), "missing.ami"),
        (("calls", "--ami", __file__), "test_cli.py"),
        (("transcribe", "missing.wav"), "missing.wav"),
        (("analyze",), "--agent"),
        (("run", "--config", "missing.toml"), "missing.toml"),
        (("run",), "pbx"),
        (("run", "--components", "telephony,teapot"), "teapot"),
        (("lab", "call", "--name", "no-such-lab"), "lab up"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tingzhen, arguments, names, tmp_path):
    done = tingzhen(*arguments, TINGZHEN_DATA_DIR=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    complaint = [line for line in done.stderr.splitlines() if line.startswith("tingzhen:")]
    assert len(complaint) == 1, done.stderr
    assert names in complaint[0]


async def test_a_store_that_takes_no_login_link_stops_no_node(capfd):
    class Console:
        def login_link(self, _username):
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    await run._let_in(Console(), "admin")
    told = " ".join(capfd.readouterr().err.split())
    assert "database or disk is full" in told
    assert "tingzhen console link admin" in told


def test_a_broken_rule_file_is_refused_with_file_line_and_reason(tingzhen, broken_pack):
    done = tingzhen("rules", "check", broken_pack)
    assert done.returncode == 2, done.stderr
    assert "pack.yaml:" in done.stdout
    assert "colour" in done.stdout
    lines = [
        json.loads(x) for x in tingzhen("rules", "check", broken_pack, "--json").stdout.splitlines()
    ]
    assert any(line["line"] == 3 and line["level"] == "error" for line in lines), lines
    audio = ROOT / "tingzhen" / "demo" / "calls" / "c02.agent.flac"
    done = tingzhen("analyze", "--agent", audio, "--rules", broken_pack)
    assert done.returncode == 2
    assert "pack.yaml" in done.stderr


def test_the_pack_that_comes_with_the_program_is_clean(tingzhen):
    done = tingzhen("rules", "check")
    assert done.returncode == 0, done.stdout  # 1 when something in it looks wrong
    assert "hospital-zh" in done.stdout


def test_the_schema_is_json(tingzhen):
    schema = json.loads(tingzhen("rules", "schema").stdout)
    assert schema["type"] == "object"


def test_doctor_says_what_is_missing_and_what_mends_it(tingzhen, tmp_path):
    done = tingzhen("doctor", "--json", TINGZHEN_MODELS=str(tmp_path), TINGZHEN_CONSOLE__PORT="0")
    findings = {f["what"]: f for f in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    model = findings["recognition model base"]
    assert model["ok"] is False
    assert model["mend"] == "tingzhen doctor --fetch-model"
    assert findings["Python"]["ok"] is True


@pytest.mark.model
@pytest.mark.timeout(150)
def test_analyze_prints_transcripts_hits_alerts_and_steps():
    audio = ROOT / "tingzhen" / "demo" / "calls"
    done = program(
        "analyze", "--json",
        "--agent", audio / "c06.agent.flac", "--customer", audio / "c06.customer.flac",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    judged = {"transcript", "hit", "alert", "compliance", "score"}
    followed = {"topic", "script", "emotion", "emotion_course", "empathy", "empathy_used"}
    assert {line["type"] for line in lines} == judged | followed
    script = next(line for line in lines if line["type"] == "script" and line["final"])
    assert script["script"] == "department_guide"
    assert next(s for s in script["steps"] if s["step"] == "greeting")["state"] == "missed"
    alerts = [line for line in lines if line["type"] == "alert"]
    promise = next(a for a in alerts if a["kind"] == "red_line")
    assert promise["role"] == "agent"
    assert promise["severity"] == "critical"
    assert promise["evidence"]["text"]
    # The truth places it between 19 and 22 s; a live lead would have known a moment later.
    assert promise["start"] <= promise["end"] <= promise["emitted_at"]
    assert "missing_greeting" in {a["kind"] for a in alerts}
