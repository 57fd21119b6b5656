"""promtool's own judgement of the rules, and each alert firing and not firing."""

from __future__ import annotations

import functools
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
        ["promtool", *arguments], capture_output=True, text=True, timeout=150, check=False
    )


@functools.cache
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

LONGEST = f"tingzhen_calls_longest_wait_seconds{QUEUE}"
GAVE_UP = 'tingzhen_calls_ended_total{queue="support", outcome="abandoned"}'
SHORT = f"tingzhen_calls_short_abandoned_total{QUEUE}"
WEEK = {"window": "7d", "maturity": "matured"}
FCR = 'tingzhen_first_contact_resolution_ratio{window="7d", maturity="matured"}'
JUDGED = 'tingzhen_first_contact_calls{window="7d", maturity="matured"}'
OLDEST_RED = 'tingzhen_alerts_oldest_open_timestamp_seconds{severity="critical"}'
WITHIN_3, WITHIN_5, LATE = (
    f'tingzhen_alert_latency_seconds_bucket{{stage="final", le="{edge}"}}'
    for edge in ("3.0", "5.0", "+Inf")
)
TIMED = 'tingzhen_alert_latency_seconds_count{stage="final"}'
SHOWN_IN_2, SHOWN_IN_3, SHOWN_EVER = (
    f'tingzhen_alert_frame_seconds_bucket{{stage="final", le="{edge}"}}'
    for edge in ("2.0", "3.0", "+Inf")
)
SHOWN = 'tingzhen_alert_frame_seconds_count{stage="final"}'
LOST_AUDIO = 'tingzhen_tap_audio_lost_seconds_total{system="pbx"}'
TAP_LEGS = 'tingzhen_tap_legs{system="pbx"}'
NOT_SENT = 'tingzhen_notify_failed_total{scheme="ntfy"}'
FREE, SIZE = "tingzhen_disk_free_bytes", "tingzhen_disk_size_bytes"
ENDS = 'tingzhen_certificate_not_after_timestamp_seconds{certificate="c.pem"}'
BAD_CERTIFICATE = 'tingzhen_certificate_unreadable{certificate="c.pem"}'

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
    ("AnswerRateEmergency", {ANSWERED: "0+94x120", OFFERED: "0+100x120"}, [{"queue": "support"}]),
    ("AnswerRateEmergency", {ANSWERED: "0+95x120", OFFERED: "0+100x120"}, []),
    ("AnswerRateEmergency", {ANSWERED: "0x120", OFFERED: "0x90 0+1x15 15x15"}, []),
    ("WaitLong", {LONGEST: "61x120"}, [{"queue": "support"}]),
    ("WaitLong", {LONGEST: "60x120"}, []),
    ("WaitLong", {LONGEST: "0x119 90"}, []),  # answered in time, as far as one knows
    (
        "AbandonmentSpike",
        {OFFERED: "0+10x120", GAVE_UP: "0+2x120", SHORT: "0x120"},
        [{"queue": "support"}],
    ),
    ("AbandonmentSpike", {OFFERED: "0+100x120", GAVE_UP: "0+14x120", SHORT: "0x120"}, []),
    (
        "AbandonmentSpike",
        {OFFERED: "0x112 0+1x8", GAVE_UP: "0x112 0+1x8", SHORT: "0x120"},
        [],
    ),  # eight callers
    ("FirstContactResolutionLow", {FCR: "0.89x120", JUDGED: "20x120"}, [WEEK]),
    ("FirstContactResolutionLow", {FCR: "0.90x120", JUDGED: "20x120"}, []),
    ("FirstContactResolutionLow", {FCR: "0.5x120", JUDGED: "19x120"}, []),
    ("RedAlertsUnacknowledged", {OLDEST_RED: "7000x120"}, [{}]),
    (
        "RedAlertsUnacknowledged",
        {OLDEST_RED: "7190x120", OLDEST_RED.replace("critical", "high"): "7000x120"},
        [{}],
    ),
    ("RedAlertsUnacknowledged", {OLDEST_RED: "7100x120"}, []),  # at 7200 s
    ("RedAlertsUnacknowledged", {OLDEST_RED.replace("critical", "low"): "0x120"}, []),
    ("RedAlertsUnacknowledged", {OLDEST_RED: "7000x100 _x20"}, []),  # acknowledged
    ("TapDown", {'tingzhen_tap_up{system="pbx"}': "0x120"}, [{"system": "pbx"}]),
    ("TapDown", {'tingzhen_tap_up{system="pbx"}': "1x120"}, []),
    (
        "AlertLatencyHigh",
        {WITHIN_3: "0+90x120", WITHIN_5: "0+100x120", LATE: "0+100x120", TIMED: "0+100x120"},
        [{}],
    ),
    (
        "AlertLatencyHigh",
        {WITHIN_3: "0+96x120", WITHIN_5: "0+100x120", LATE: "0+100x120", TIMED: "0+100x120"},
        [],
    ),
    (
        "AlertFrameLate",
        {SHOWN_IN_2: "0+90x120", **dict.fromkeys((SHOWN_IN_3, SHOWN_EVER, SHOWN), "0+100x120")},
        [{}],
    ),
    (
        "AlertFrameLate",
        {SHOWN_IN_2: "0+96x120", **dict.fromkeys((SHOWN_IN_3, SHOWN_EVER, SHOWN), "0+100x120")},
        [],
    ),
    (
        "AlertFrameLate",
        {SHOWN_IN_2: "0x120", **dict.fromkeys((SHOWN_IN_3, SHOWN_EVER, SHOWN), "0x110 4x10")},
        [],
    ),  # four alerts
    ("TapAudioLost", {LOST_AUDIO: "0+2x120", TAP_LEGS: "2x120"}, [{"system": "pbx"}]),
    ("TapAudioLost", {LOST_AUDIO: "0+1x120", TAP_LEGS: "2x120"}, []),
    ("TapAudioLost", {LOST_AUDIO: "0+1x120", TAP_LEGS: "0x115 1x5"}, []),  # too little to say
    ("RulesRefused", {'tingzhen_rules_refused{pack="p"}': "1x120"}, [{"pack": "p"}]),
    ("RulesRefused", {'tingzhen_rules_refused{pack="p"}': "0x120"}, []),
    ("NotifierFailing", {NOT_SENT: "0x110 1x10"}, [{"scheme": "ntfy"}]),
    ("NotifierFailing", {NOT_SENT: "_x110 1x10"}, [{"scheme": "ntfy"}]),
    ("NotifierFailing", {NOT_SENT: "5x120"}, []),  # long ago
    ("RecorderFailing", {"tingzhen_recorder_failures_total": "0x115 1x5"}, [{}]),
    ("RecorderFailing", {"tingzhen_recorder_failures_total": "3x120"}, []),
    ("DiskLow", {FREE: "99x120", SIZE: "1000x120"}, [{}]),
    ("DiskLow", {FREE: "100x120", SIZE: "1000x120"}, []),
    ("CertificateEnding", {ENDS: "1216000x120"}, [{"certificate": "c.pem"}]),  # in 13.99 days
    ("CertificateEnding", {ENDS: "1217000x120"}, []),  # in 14.002
    ("CertificateUnreadable", {BAD_CERTIFICATE: "1x120"}, [{"certificate": "c.pem"}]),
    ("CertificateUnreadable", {BAD_CERTIFICATE: "0x120"}, []),
    ("DayTotalsStale", {"tingzhen_day_read_timestamp_seconds": "60x120"}, [{}]),
    ("DayTotalsStale", {"tingzhen_day_read_timestamp_seconds": "0+60x120"}, []),
    ("AnswerRateLow", {ANSWERED: "0+97x120", OFFERED: "0+100x120"}, [{"queue": "support"}]),
    ("AnswerRateLow", {ANSWERED: "0+98x120", OFFERED: "0+100x120"}, []),
    ("AnswerRateLow", {ANSWERED: "0x120", OFFERED: "0x90 0+1x15 15x15"}, []),  # 15 calls: chance
]


def groups(cases):
    """Put cases together that share neither alert nor metric: a group costs as much as a case."""
    made = []
    for name, series, labels in cases:
        mine = {name, *(each.partition("{")[0] for each in series)}
        group = next((group for group in made if group[0].isdisjoint(mine)), None)
        if group is None:
            made.append(group := (set(), []))
        taken, members = group
        taken.update(mine)
        members.append((name, series, labels))
    return [members for _, members in made]


def group_test(members):
    return {
        "interval": "1m",
        "input_series": [
            {"series": each, "values": values}
            for _, series, _ in members
            for each, values in series.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": "120m",
                "alertname": name,
                "exp_alerts": [
                    {"exp_labels": {**instance, **alerting_rules()[name]["labels"]}}
                    for instance in labels
                ],
            }
            for name, _, labels in members
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
        "tests": [group_test(members) for members in groups(cases)],
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
            "runbook_url",
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
        ("AnswerRateEmergency", f"< {targets.ANSWER_RATE_EMERGENCY}"),
        ("WaitLong", f"> {targets.LONGEST_WAIT_S:g}"),
        ("AbandonmentSpike", f"> {targets.ABANDONMENT_SPIKE}"),
        ("FirstContactResolutionLow", f"< {targets.FIRST_CONTACT_RESOLUTION}"),
        ("FirstContactResolutionLow", f">= {targets.MINIMUM_VOLUME}"),
        ("RedAlertsUnacknowledged", f"> {targets.ACKNOWLEDGE_S:g}"),
        ("AlertLatencyHigh", f"> {targets.ALERT_LATENCY_S:g}"),
        ("AlertFrameLate", f"> {targets.ALERT_FRAME_S:g}"),
        ("TapAudioLost", f"> {targets.TAP_AUDIO_LOST:g}"),
        ("DiskLow", f"< {targets.DISK_FREE}"),
        ("CertificateEnding", f"< {targets.CERTIFICATE_DAYS:g}"),
        ("TapsBelowAnswered", f"< {targets.TAPPED}"),
        ("AsrLag", f"> {targets.ASR_LAG_S:g}"),
        ("AmiEventsStale", f"> {targets.EVENT_AGE_S:g}"),
    ],
)
def test_thresholds_are_the_targets(alert, condition):
    assert re.search(re.escape(condition) + r"(?![\d.])", alerting_rules()[alert]["expr"])


RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == set(alerting_rules())
    for name, rule in alerting_rules().items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        for heading in ("## 含义 · Meaning", "## 查看 · Look", "## 处置 · Do"):
            assert heading in page, (name, heading)


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
