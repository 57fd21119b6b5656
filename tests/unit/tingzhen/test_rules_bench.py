"""`tingzhen bench match`: each part of the work is measured on the same lines, and told."""

import json

from qa_packs import write_pack
from typer.testing import CliRunner

from tingzhen.cli import app


def test_each_part_is_told_beside_pyahocorasick(tmp_path):
    pack = write_pack(
        tmp_path, "type: words, role: agent, lists: [bad]", lists={"bad": ["不归我管"]}
    )
    asked = ["bench", "match", "--words", "50", "--rounds", "2", "--rules", str(pack)]
    told = CliRunner().invoke(app, [*asked, "--json"])
    assert told.exit_code == 0
    *stages, about = map(json.loads, told.stdout.splitlines())
    assert [stage["stage"] for stage in stages] == [
        "pyahocorasick alone",
        "automaton alone",
        "normalise",
        "normalise, match",
        "normalise, match, by sound",
        "normalise, match, evaluate",
    ]
    for stage in stages:
        assert 0 < stage["p50_us"] <= stage["p95_us"] <= stage["p99_us"]
        assert stage["m_per_s"] > 0
    assert about["words"] == 50
    assert about["rules"] == 1
    assert about["machine"]
    assert about["command"].startswith("tingzhen ")


def test_the_help_shows_how_to_ask():
    shown = CliRunner().invoke(app, ["bench", "match", "--help"]).stdout
    assert "tingzhen bench match --words 65000 --json" in shown
