from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_fixture import dashboard_queries, fill
from ruamel.yaml import YAML

from metrics import targets
from metrics.dashboards.generate import generated
from metrics.dashboards.panels import DATASOURCE_UID, Bound

GRAFANA = Path(__file__).parents[3] / "docker" / "grafana"
COMMITTED = GRAFANA / "dashboards"


def board(name):
    return json.loads((COMMITTED / name).read_text(encoding="utf-8"))


def test_the_committed_dashboards_are_what_the_program_generates():
    committed = {file.name: file.read_text(encoding="utf-8") for file in COMMITTED.iterdir()}
    assert committed == generated()


def test_the_wallboard_is_readable_from_afar():
    wallboard = board("wallboard.json")
    rows = [panel["title"] for panel in wallboard["panels"] if panel["type"] == "row"]
    panels = [panel for panel in wallboard["panels"] if panel["type"] != "row"]
    assert rows == ["此刻 · Now", "趋势 · Trend"]
    assert len(panels) <= 12
    assert [variable["name"] for variable in wallboard["templating"]["list"]] == ["queue"]


@pytest.mark.parametrize("name", sorted(generated()))
def test_titles_are_chinese_with_english_beside(name):
    for panel in board(name)["panels"]:
        assert re.search(r"[\u4e00-\u9fff]|AMI", panel["title"])
        if panel["type"] != "row":
            assert re.match(r"[A-Z][^\u4e00-\u9fff]+\.$", panel["description"])
            assert panel["datasource"]["uid"] == DATASOURCE_UID


@pytest.mark.parametrize("name", sorted(generated()))
def test_panels_do_not_overlap_and_fit_the_grid(name):
    taken = set()
    for panel in board(name)["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize(
    ("title", "limit"),
    [
        ("今日接通率", targets.ANSWER_RATE),
        ("今日平均应答速度", targets.ANSWER_SPEED_S),
        ("三声内接听(近 1 小时)", targets.RING_SLA),
        ("首次解决率(7 天内未再来电)", targets.FIRST_CONTACT_RESOLUTION),
    ],
)
def test_thresholds_are_the_targets(title, limit):
    panels = {panel["title"]: panel for panel in board("wallboard.json")["panels"]}
    steps = panels[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert limit in [step["value"] for step in steps]


@pytest.mark.parametrize(
    ("bound", "colours"),
    [
        (Bound("at_least", 0.9), [(None, "red"), (0.9, "green")]),
        (Bound("at_least", 0.9, amber=0.95), [(None, "red"), (0.9, "orange"), (0.95, "green")]),
        (Bound("at_most", 15), [(None, "green"), (15, "red")]),
        (Bound("at_most", 15, amber=10), [(None, "green"), (10, "orange"), (15, "red")]),
    ],
)
def test_a_bound_turns_from_good_to_bad(bound, colours):
    assert [(step.value, step.color) for step in bound.steps()] == colours


def test_queries_are_extracted_with_their_variables_filled_in():
    queries = dashboard_queries()
    assert len(queries) > 30
    assert not any("$" in query.expr for query in queries)
    assert fill('x{queue=~"${queue}"}[$__range]', {"queue": "a|b", "__range": "1h"}) == (
        'x{queue=~"a|b"}[1h]'
    )
    with pytest.raises(KeyError):
        fill("$nobody", {})


def test_grafana_is_provisioned_with_what_the_dashboards_name():
    source = YAML(typ="safe").load(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")
    assert [entry["uid"] for entry in source["datasources"]] == [DATASOURCE_UID]
    provider = YAML(typ="safe").load(GRAFANA / "provisioning" / "dashboards" / "tingzhen.yml")
    assert provider["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"
