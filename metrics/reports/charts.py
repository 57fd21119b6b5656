"""Charts as SVG. Their words are few, so that a chart reads in any language and without its font.

What a chart shows stands in a table beside it, for who cannot see it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK, ACCENT, PALE, WARN = "#24323d", "#0b6e78", "#b9d3d6", "#b4442e"
_WIDTH, _HEIGHT = 7.2, 2.3
_MOST_TICKS = 16


def bars(
    labels: Sequence[str],
    whole: Sequence[float],
    part: Sequence[float],
    line: Sequence[float | None],
) -> str:
    """Draw bars with a part of each filled, and a line over them by a scale of its own.

    Args:
        labels: under the bars.
        whole: the bars' heights.
        part: their filled parts.
        line: the line's points; None leaves a gap.

    Returns:
        An SVG document.
    """
    with rc_context({"svg.fonttype": "none", "font.size": 8, "svg.hashsalt": "tingzhen"}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(labels))
        axes.bar(places, whole, color=PALE, width=0.75)
        axes.bar(places, part, color=ACCENT, width=0.75)
        step = -(-len(labels) // _MOST_TICKS) or 1
        axes.set_xticks(list(places)[::step], list(labels)[::step])
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        _plain(axes)
        over = axes.twinx()
        gaps = [float("nan") if value is None else value for value in line]
        over.plot(places, gaps, color=WARN, linewidth=1.4, marker="o", markersize=2.2)
        over.set_ylim(bottom=0)
        over.yaxis.set_major_locator(MaxNLocator(4))
        _plain(over)
        over.tick_params(axis="y", colors=WARN, length=0)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    return drawn.getvalue()


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALE)
    axes.tick_params(colors=INK, length=0)
