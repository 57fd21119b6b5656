"""promtool's own judgement of the rules, and each alert firing and not firing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from metrics import targets

RULES = Path(__file__).parents[3] / "docker" / "prometheus" / "rules"
FILES = sorted(RULES.glob("*.yml"))

UP = 'up{job="tingzhen"}'
QUEUE = '{queue="support"}'
AMI_DROPPED = 'tingzhen_ami_dropped_total{system="pbx"}'
DROPPED = 'tingzhen_bus_dropped_total{subscriber="qa", delivery="live"}'


def promtool(*arguments):
    return subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def alerting_rules():
    loaded = YAML(typ="safe").load(RULES / "alerting.yml")
    return {rule["alert"]: rule for group in loaded["groups"] for rule in group["rules"]}


def test_promtool_accepts_the_rules():
    checked = promtool("check", "rules", *map(str, FILES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("SUCCESS") == len(FILES) == 2


# Each case: series as promtool writes them (a sample a minute), and what fires after two hours.
# A counter that grows by one a minute has grown by 60 in the last hour.
ANSWERED = f"tingzhen_calls_answered_total{QUEUE}"
OFFERED = f"tingzhen_calls_offered_total{QUEUE}"
TAPPED = "tingzhen_calls_tapped_total"
LAST_EVENT = 'tingzhen_ami_last_event_timestamp_seconds{system="pbx"}'
IN_PROGRESS = f"tingzhen_calls_in_progress{QUEUE}"

CASES = [
    ("TingzhenDown", {UP: "0x120"}, [{"job": "tingzhen"}]),
    ("TingzhenDown", {UP: "1x120"}, []),
    ("TingzhenDown", {UP: "1x119 0"}, []),  # one failed scrape is none of it
    ("AmiDown", {'tingzhen_ami_up{system="pbx"}': "0x120"}, [{"system": "pbx"}]),
    ("AmiDown", {'tingzhen_ami_up{system="pbx"}': "1x120"}, []),
    ("AmiEventsStale", {LAST_EVENT: "60x120", IN_PROGRESS: "2x120"}, [{}]),
    ("AmiEventsStale", {LAST_EVENT: "60x120", IN_PROGRESS: "0x120"}, []),  # a quiet night
    ("AmiEventsStale", {LAST_EVENT: "0+60x120", IN_PROGRESS: "2x120"}, []),
    ("EventsDropped", {DROPPED: "0x118 5x2"}, [{"subscriber": "qa", "delivery": "live"}]),
    ("EventsDropped", {DROPPED: "_x117 5x3"}, [{"subscriber": "qa", "delivery": "live"}]),
    ("EventsDropped", {DROPPED: "5x120"}, []),  # long ago
    ("EventsDropped", {DROPPED: "0x120"}, []),
    ("AmiEventsDropped", {AMI_DROPPED: "0x118 7x2"}, [{"system": "pbx"}]),
    ("AmiEventsDropped", {AMI_DROPPED: "_x117 7x3"}, [{"system": "pbx"}]),
    ("AmiEventsDropped", {AMI_DROPPED: "7x120"}, []),
    ("RecordsLost", {"tingzhen_journal_failures_total": "0x118 1x2"}, [{}]),
    ("RecordsLost", {"tingzhen_journal_lost_total": "0x118 1x2"}, [{}]),
    ("RecordsLost", {"tingzhen_journal_failures_total": "0x120"}, []),
    ("TapsBelowAnswered", {TAPPED: "0+9x120", ANSWERED: "0+10x120"}, [{}]),
    ("TapsBelowAnswered", {TAPPED: "0+96x120", ANSWERED: "0+100x120"}, []),
    ("TapsBelowAnswered", {TAPPED: "0x120", ANSWERED: "0+1x15 15x105"}, []),  # too few calls
    ("AsrLag", {'tingzhen_asr_lag_seconds{node="n1"}': "6x120"}, [{"node": "n1"}]),
    ("AsrLag", {'tingzhen_asr_lag_seconds{node="n1"}': "5x120"}, []),
    ("AsrLag", {'tingzhen_asr_lag_seconds{node="n1"}': "0x119 30"}, []),  # only a moment
    ("AnswerRateLow", {ANSWERED: "0+97x120", OFFERED: "0+100x120"}, [{"queue": "support"}]),
    ("AnswerRateLow", {ANSWERED: "0+98x120", OFFERED: "0+100x120"}, []),
    ("AnswerRateLow", {ANSWERED: "0x120", OFFERED: "0x90 0+1x15 15x15"}, []),  # 15 calls: chance
]


def case(name, series, labels):
    severity = alerting_rules()[name]["labels"]
    return {
        "interval": "1m",
        "input_series": [{"series": each, "values": v} for each, v in series.items()],
        "alert_rule_test": [
            {
                "eval_time": "120m",
                "alertname": name,
                "exp_alerts": [{"exp_labels": {**instance, **severity}} for instance in labels],
            }
        ],
    }


def run_cases(folder, cases, rules):
    # The texts carry values that promtool would make us repeat here; the rules go without them.
    silent = re.sub(
        r"^        annotations:\n(?:          .*\n|\n(?=          ))+",
        "",
        rules,
        flags=re.MULTILINE,
    )
    (folder / "alerting.yml").write_text(silent, encoding="utf-8")
    shutil.copy(RULES / "recording.yml", folder)
    test = {
        "rule_files": ["recording.yml", "alerting.yml"],
        "evaluation_interval": "1m",
        "tests": [case(*each) for each in cases],
    }
    file = folder / "test.yml"
    with file.open("w", encoding="utf-8") as stream:
        YAML(typ="safe").dump(test, stream)
    return promtool("test", "rules", str(file))


def test_each_alert_fires_when_it_should_and_only_then(tmp_path):
    rules = (RULES / "alerting.yml").read_text(encoding="utf-8")
    tested = run_cases(tmp_path, CASES, rules)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_rule_with_another_threshold_would_be_noticed(tmp_path):
    rules = (RULES / "alerting.yml").read_text(encoding="utf-8")
    changed = rules.replace("ratio1h < 0.98", "ratio1h < 0.95")
    cases = [each for each in CASES if each[0] == "AnswerRateLow"]
    assert run_cases(tmp_path, cases, changed).returncode != 0


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    assert {name for name, _, labels in CASES if labels} == set(alerting_rules())
    assert {name for name, _, labels in CASES if not labels} == set(alerting_rules())


def test_every_alert_speaks_both_languages_and_has_a_severity():
    for rule in alerting_rules().values():
        assert set(rule["annotations"]) == {
            "summary",
            "summary_en",
            "description",
            "description_en",
        }
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary"])
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["description"])
        assert not re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary_en"])
        assert rule["labels"]["severity"] in {"warning", "critical"}


@pytest.mark.parametrize(
    ("alert", "condition"),
    [
        ("AnswerRateLow", f"< {targets.ANSWER_RATE}"),
        ("TapsBelowAnswered", f"< {targets.TAPPED}"),
        ("AsrLag", f"> {targets.ASR_LAG_S:g}"),
        ("AmiEventsStale", f"> {targets.EVENT_AGE_S:g}"),
    ],
)
def test_thresholds_are_the_targets(alert, condition):
    assert re.search(re.escape(condition) + r"(?![\d.])", alerting_rules()[alert]["expr"])


def test_recorded_ratios_are_guarded_by_the_minimum_volume():
    loaded = YAML(typ="safe").load(RULES / "recording.yml")
    ratios = [
        rule
        for group in loaded["groups"]
        for rule in group["rules"]
        if rule["record"].endswith("1h") and " / " in rule["expr"].replace("\n", " ")
    ]
    assert len(ratios) == 6
    for rule in ratios:
        assert f">= {targets.MINIMUM_VOLUME})" in rule["expr"]
