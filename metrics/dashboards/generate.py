"""Dashboards as JSON files."""

from __future__ import annotations

import json
from collections.abc import Callable

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from metrics.dashboards.lead import team_lead
from metrics.dashboards.panels import Dashboard
from metrics.dashboards.recognition import recognition
from metrics.dashboards.system import system
from metrics.dashboards.wallboard import wallboard

_DASHBOARDS: dict[str, Callable[[], Dashboard]] = {
    "wallboard.json": wallboard,
    "lead.json": team_lead,
    "recognition.json": recognition,
    "system.json": system,
}


def generated() -> dict[str, str]:
    """File name to content, the same every time."""
    files = {}
    for name, build in _DASHBOARDS.items():
        model = build().build()
        for number, panel in enumerate(model.panels or [], start=1):
            panel.id_val = number
        files[name] = (
            json.dumps(model, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        )
    return files
