"""Scripted calls against what is found in them: by sound, by characters, in their script."""

import json
import shutil
import wave
from pathlib import Path

import msgspec
import pytest
from audio_probes import SPEECH
from rich.console import Console
from typer.testing import CliRunner

from asr.audio_file import AudioFile
from asr.recognisers.scripted import ScriptedRecogniser
from backbone.errors import UserError
from qa_engine.evaluate import Planned, Truth, Utterance
from qa_engine.kinds import KINDS, class_of
from qa_engine.rehearsal import spoken
from tingzhen.analysis import duration_of
from tingzhen.cli import app
from tingzhen.detection_bench import Summary, load_packs, read_calls, result_of

BLIND = Path(__file__).parents[2] / "data" / "blind_calls"
PACK = """\
pack: small
version: "1"
lists:
  shirk:
    about: 推诿
    words: [这事不归我管, {text: 找别人去, phonetic: "on"}]
  cure: {about: 承诺, words: [包治百病]}
rules:
  - {id: taboo_shirk, type: words, kind: taboo_phrase, severity: high, role: agent,
     lists: [shirk], title: 推诿, title_en: Not my job}
  - {id: promise, type: words, kind: red_line, severity: high, role: agent,
     lists: [cure], title: 承诺, title_en: Promise}
"""
SAID = "这事不归我管"
HOMOPHONE = "这是不龟我管"
TRUTH = Truth(
    id="t1",
    duration=20.0,
    agent_compliant=False,
    utterances=[
        Utterance("agent", 1, 4, SAID),
        Utterance("customer", 5, 7, "那怎么办"),
        Utterance("agent", 8, 11, "找别人去"),
        Utterance("agent", 12, 15, "不敢说包治百病"),
    ],
    events=[
        Planned("taboo_phrase", "agent", 1, 4, 0, SAID),
        Planned("taboo_phrase", "agent", 8, 11, 2, "找别人去"),
        Planned("medical_emergency", "customer", 5, 7, 1),
    ],
    must_not=[Planned("red_line", "agent", 12, 15, 3, "包治百病")],
)


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return load_packs(folder)


def heard(*texts):
    return [
        spoken("t1", said.role, said.start, said.end, text, segment_id=str(number))
        for number, (said, text) in enumerate(zip(TRUTH.utterances, texts, strict=True))
    ]


def test_what_is_found_by_sound_only_is_told_apart(packs):
    result = result_of(TRUTH, heard(HOMOPHONE, "", "找憋人去", ""), packs, 20.0)
    assert result.evaluation.scores["taboo_phrase"].found == 2
    assert result.by_characters.scores["taboo_phrase"].found == 0
    assert result.by_script.scores["taboo_phrase"].found == 2
    assert result.errors.errors > 0


def test_words_heard_as_they_are_need_no_sound(packs):
    result = result_of(TRUTH, heard(SAID, "", "", ""), packs, 20.0)
    assert result.evaluation.scores["taboo_phrase"].found == 1
    assert result.by_characters.scores["taboo_phrase"].found == 1
    assert [event.utterance for event in result.evaluation.missed] == [2, 1]


def test_the_sum_has_red_lines_and_emergencies_first_and_what_was_broken(packs):
    summary = Summary()
    texts = [said.text for said in TRUTH.utterances]
    summary.add(result_of(TRUTH, heard(*texts), packs, 20.0))
    calm = msgspec.structs.replace(TRUTH, id="t2", agent_compliant=True, events=[], must_not=[])
    summary.add(result_of(calm, heard(SAID, "", "", ""), packs, 20.0))
    rows = {kind: found for kind, found, _, _ in summary.rows()}
    assert list(rows) == ["medical_emergency", "red_line", "taboo_phrase", "grave", "all"]
    assert (rows["grave"].planned, rows["grave"].found, rows["grave"].wrong) == (1, 0, 1)
    assert (rows["all"].planned, rows["all"].found, rows["all"].wrong) == (3, 2, 2)
    figures = summary.figures()
    assert figures["compliant_calls"] == 1
    assert figures["compliant_calls_with_alerts"] == {"t2": ["taboo_phrase"]}
    assert figures["must_not"] == 1
    assert figures["must_not_found"] == {"t1": ["red_line"]}
    assert [(call, sentence) for call, _, sentence in summary.missed()] == [("t1", "那怎么办")]
    assert {(call, finding.kind) for call, finding in summary.wrong()} == {
        ("t1", "red_line"), ("t2", "taboo_phrase"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One call: an agent who says something, and a silent customer."""
    folder = tmp_path_factory.mktemp("calls")
    shutil.copy(SPEECH / "aishell1-las-0.flac", folder / "t.agent.flac")
    seconds = duration_of({"agent": folder / "t.agent.flac"})
    # Recordings are told by what is in them, not by their names.
    with wave.open(str(folder / "t.customer.flac"), "wb") as silence:
        silence.setparams((1, 2, 8_000, 0, "NONE", ""))
        silence.writeframes(bytes(int(seconds * 8_000) * 2))
    truth = msgspec.structs.replace(
        TRUTH,
        duration=seconds,
        utterances=[Utterance("agent", 0, seconds, SAID)],
        events=[
            Planned("taboo_phrase", "agent", 0, seconds, 0, SAID),
            Planned("privacy_leak", "agent", 0, seconds, 0),
        ],
        must_not=[],
    )
    (folder / "t.json").write_bytes(msgspec.json.encode(truth))
    return folder


@pytest.fixture
def command(monkeypatch, folder, tmp_path):
    """`tingzhen bench detection` with a recogniser that mishears everything."""
    recogniser = ScriptedRecogniser(lambda _segment: HOMOPHONE)
    monkeypatch.setattr("tingzhen.cli.recogniser.load_recogniser", lambda *_: recogniser)
    monkeypatch.setattr("tingzhen.cli.bench_detection.console", Console(width=80))
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")

    def run(*arguments):
        rules = ["--rules", str(tmp_path)]
        calls = [] if "--calls" in arguments else ["--calls", str(folder)]
        return CliRunner().invoke(app, ["bench", "detection", *rules, *calls, *arguments])

    return run


def test_a_folder_of_calls_is_heard_and_judged(command):
    done = command("--json")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    kinds = {line["kind"]: line for line in lines if line["type"] == "bench_kind"}
    assert kinds["taboo_phrase"]["recall"] == 1.0
    assert kinds["taboo_phrase"]["found_by_characters"] == 0
    assert kinds["taboo_phrase"]["found_in_script"] == 1
    assert kinds["all"]["recall"] == 0.5
    assert kinds["grave"]["recall"] is None
    assert lines[-1]["type"] == "bench_detection"
    assert lines[-1]["calls"] == 1


def test_what_was_missed_is_shown_only_when_asked_for(command):
    assert f"missed privacy_leak in t1: {SAID}" in command("--show").stdout
    table = command().stdout
    assert "taboo_phrase" in table
    assert "…" not in table  # all of it fits a narrow terminal
    assert SAID not in table


def test_a_folder_without_calls_is_refused_before_a_model_is_loaded(command, tmp_path):
    done = command("--calls", str(tmp_path))
    assert isinstance(done.exception, UserError)
    assert "no scripted call" in str(done.exception)


def test_a_script_that_is_none_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"x\.json is no scripted call"):
        read_calls(tmp_path)


def test_the_blind_calls_are_whole():
    calls = read_calls(BLIND)
    assert len(calls) == 12
    assert sum(truth.agent_compliant for _, truth in calls) == 4
    for path, truth in calls:
        for role in ("agent", "customer"):
            audio = AudioFile(path.with_suffix(f".{role}.flac"))
            assert sum(map(len, audio)) / 2 / audio.rate == pytest.approx(truth.duration, abs=0.02)
        for planned in (*truth.events, *truth.must_not):
            said = truth.utterances[planned.utterance]
            assert planned.phrase in said.text
            assert planned.kind in KINDS
        violations = [e for e in truth.events if class_of(e.kind, e.role) == "violation"]
        assert truth.agent_compliant is not bool(violations)
