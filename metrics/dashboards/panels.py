"""The look that all dashboards share: panels, thresholds, the queue variable."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

with warnings.catch_warnings():
    # The SDK recommends its v2 builders, whose schema no Grafana before 12 can provision.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, ReduceDataOptions
    from grafana_foundation_sdk.builders.dashboard import (
        Dashboard,
        QueryVariable,
        Row,
        ThresholdsConfig,
    )
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.builders.stat import Panel as StatPanel
    from grafana_foundation_sdk.builders.timeseries import Panel as TimeseriesPanel
    from grafana_foundation_sdk.models.common import (
        BigValueColorMode,
        BigValueGraphMode,
        DataSourceRef,
        GraphThresholdsStyleMode,
    )
    from grafana_foundation_sdk.models.dashboard import (
        DashboardCursorSync,
        Threshold,
        ThresholdsMode,
        VariableOption,
        VariableRefresh,
        VariableSort,
    )

DATASOURCE_UID = "tingzhen-prometheus"
"""As in the provisioned data source."""

GREEN, AMBER, RED = "green", "orange", "red"

_DATASOURCE = DataSourceRef(type_val="prometheus", uid=DATASOURCE_UID)

__all__ = [
    "DATASOURCE_UID",
    "Bound",
    "Dashboard",
    "dashboard",
    "queue_variable",
    "row",
    "stat",
    "trend",
]


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a value turns bad: `red` is the target's limit, `amber` the warning before it."""

    direction: Literal["at_least", "at_most"]
    red: float
    amber: float | None = None

    def steps(self) -> list[Threshold]:
        """Grafana's steps, each valid from its value upwards."""
        if self.direction == "at_least":
            steps = [Threshold(None, RED), Threshold(self.red, GREEN)]
            if self.amber is not None:
                steps[1:] = [Threshold(self.red, AMBER), Threshold(self.amber, GREEN)]
            return steps
        steps = [Threshold(None, GREEN), Threshold(self.red, RED)]
        if self.amber is not None:
            steps.insert(1, Threshold(self.amber, AMBER))
        return steps


def dashboard(uid: str, title: str, description: str, *tags: str) -> Dashboard:
    """An empty dashboard that refreshes by itself and cannot be edited by accident."""
    return (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["tingzhen", *tags])
        .readonly()
        .refresh("10s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )


def queue_variable() -> QueryVariable:
    """`$queue`: one, several or all queues."""
    return (
        QueryVariable("queue")
        .label("队列 Queue")
        .datasource(_DATASOURCE)
        .query("label_values(tingzhen_calls_in_progress, queue)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def row(title: str) -> Row:
    """A heading; the panels added after it stand below it."""
    return Row(title)


def stat(
    title: str,
    description: str,
    query: str,
    *,
    unit: str = "short",
    decimals: int = 0,
    bound: Bound | None = None,
    legend: str = "",
    span: int = 6,
    height: int = 5,
) -> StatPanel:
    """A number that can be read from across the room."""
    panel = (
        StatPanel()
        .title(title)
        .description(description)
        .datasource(_DATASOURCE)
        .unit(unit)
        .decimals(decimals)
        .no_value("—")
        .span(span)
        .height(height)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(bound))
        .with_target(
            Dataquery()
            .ref_id("A")
            .datasource(_DATASOURCE)
            .expr(query)
            .legend_format(legend or "__auto")
            .instant()
        )
    )
    mode = BigValueColorMode.VALUE if bound is None else BigValueColorMode.BACKGROUND
    return panel.color_mode(mode)


def trend(
    title: str,
    description: str,
    *queries: tuple[str, str],
    unit: str = "short",
    decimals: int | None = None,
    bound: Bound | None = None,
    span: int = 6,
    height: int = 8,
) -> TimeseriesPanel:
    """Lines over time; `queries` are (legend, PromQL)."""
    panel = (
        TimeseriesPanel()
        .title(title)
        .description(description)
        .datasource(_DATASOURCE)
        .unit(unit)
        .min(0)
        .span(span)
        .height(height)
        .line_width(2)
        .fill_opacity(10)
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    if bound is not None:
        panel = panel.thresholds(_thresholds(bound)).thresholds_style(
            GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    for ref_id, (legend, query) in zip("ABCDEF", queries, strict=False):
        panel = panel.with_target(
            Dataquery()
            .ref_id(ref_id)
            .datasource(_DATASOURCE)
            .expr(query)
            .legend_format(legend)
            .range()
        )
    return panel


def _thresholds(bound: Bound | None) -> ThresholdsConfig:
    steps = [Threshold(None, GREEN)] if bound is None else bound.steps()
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
