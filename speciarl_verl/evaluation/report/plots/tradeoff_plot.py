"""Scatter: specificity against correctness, with lines of equal harmonic mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from speciarl_verl.evaluation.report.benchmarks import FINE_GRAINED, dataset_title
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import (
    FAINT,
    INK,
    clear_frame,
    new_figure,
    series_colour,
    series_marker,
)
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.evaluation.statistics.intervals import Scores

COLOUR_ONLY = "_"
"""The marker of a legend line that stands for a colour, whatever the marker."""
MEAN_MARKERS = {"fine_grained": "D", "very_fine_grained": "d", "all": "*"}
_SIZES = {"D": 9, "d": 11, "*": 13, "P": 9, "X": 9}
"""In points. The means (the first three) lie under the data sets, and stick out."""
_LEVELS = (*(round(0.05 * step, 2) for step in range(1, 20)), 0.975)
_LEAST = 1e-3
"""Where the contours begin: at 0 there is no HM."""
_MARGIN = 0.025
_SPAN = 0.2
"""The least that an axis shows, so that close points are not blown up into a difference."""


@dataclass(frozen=True)
class Point:
    """A measured point, with the whiskers of its intervals."""

    scores: Scores
    colour: str
    marker: str


@dataclass(frozen=True)
class Key:
    """A line of the legend."""

    label: str
    colour: str
    marker: str


@dataclass(frozen=True)
class _NamedPoint:
    x: float
    y: float
    name: str


def draw_report(report: Report) -> Figure:
    """The data sets of one run and their means, beside the published means where the run shares data with them."""
    points, keys = [], []
    for average in report.averages:
        if average.scores:
            points.append(Point(average.scores, INK, MEAN_MARKERS[average.name]))
            keys.append(Key(f"mean, {average.title}", INK, MEAN_MARKERS[average.name]))
    for number, dataset in enumerate(report.datasets):
        look = (series_colour(number), series_marker(number))
        points.append(Point(dataset.scores, *look))
        keys.append(Key(for_plot(dataset_title(dataset.name), 30), *look))
    shared = not {dataset.name for dataset in report.datasets}.isdisjoint(FINE_GRAINED.datasets)
    return draw_tradeoff(points, keys, title=for_plot(report.name, 70), with_published=shared)


def draw_tradeoff(points: Sequence[Point], keys: Sequence[Key], *, title: str, with_published: bool) -> Figure:
    """Measured points filled, published ones hollow, with numbers that the legend explains."""
    named = _published_points() if with_published else []
    keys = [*keys, *_published_keys(named)]
    figure = new_figure(5.4 + 0.22 * -(-len(keys) // 3))
    axes = figure.add_subplot()
    estimates = [(point.scores.specificity, point.scores.correctness) for point in points]
    axes.set_xlim(_range([end for x, _ in estimates for end in (x.low, x.high)] + [one.x for one in named]))
    axes.set_ylim(_range([end for _, y in estimates for end in (y.low, y.high)] + [one.y for one in named]))
    _draw_contours(axes)
    for number, one in enumerate(named, start=1):
        axes.plot(one.x, one.y, "o", markerfacecolor="white", markeredgecolor=INK, markersize=11)
        axes.text(one.x, one.y, str(number), ha="center", va="center_baseline", fontsize=8)
    for point in points:
        _draw_point(axes, point)
    axes.set_xlabel("specificity")
    axes.set_ylabel("correctness")
    axes.set_title(title, fontsize=11, loc="left")
    clear_frame(axes)
    figure.legend(
        handles=[_handle(key) for key in keys], loc="outside lower center", ncols=3, frameon=False, fontsize=9
    )
    return figure


def _published_points() -> list[_NamedPoint]:
    return [
        _NamedPoint(row.specificity, row.correctness, row.method)
        for row in published().rows
        if row.scope == FINE_GRAINED.name and row.specificity is not None and row.correctness is not None
    ]


def _published_keys(named: Sequence[_NamedPoint]) -> list[Key]:
    if not named:
        return []
    numbered = [Key(for_plot(one.name, 30), INK, f"${number}$") for number, one in enumerate(named, start=1)]
    return [Key(f"published: {published().source}, mean, {FINE_GRAINED.title}", "white", "o"), *numbered]


def _handle(key: Key) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=key.marker,
        markersize=12 if key.marker == COLOUR_ONLY else 8,
        color=key.colour,
        markeredgecolor=INK if key.colour == "white" else key.colour,
        markeredgewidth=4 if key.marker == COLOUR_ONLY else 1,
        label=key.label,
    )


def _draw_point(axes: Axes, point: Point) -> None:
    x, y = point.scores.specificity, point.scores.correctness
    axes.errorbar(
        x.value,
        y.value,
        xerr=[[max(0.0, x.value - x.low)], [max(0.0, x.high - x.value)]],
        yerr=[[max(0.0, y.value - y.low)], [max(0.0, y.high - y.value)]],
        fmt=point.marker,
        color=point.colour,
        markeredgecolor="white",
        markeredgewidth=0.7,
        markersize=_SIZES.get(point.marker, 7),
        elinewidth=1.2,
        capsize=2,
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values) - _MARGIN, max(values) + _MARGIN
    short = max(0.0, _SPAN - (high - low)) / 2
    low, high = low - short, high + short
    # The square ends at 1, but a point on its edge is still to be seen whole.
    over = max(0.0, high - 1.02)
    return max(-0.02, low - over), high - over


def _draw_contours(axes: Axes) -> None:
    """Lines of equal HM, and their names on them."""
    x, y = np.meshgrid(*(np.linspace(max(low, _LEAST), high, 200) for low, high in (axes.get_xlim(), axes.get_ylim())))
    hm = 2 * x * y / (x + y)
    levels = [level for level in _LEVELS if hm.min() < level < hm.max()]
    lines = axes.contour(x, y, hm, levels, colors="#bdbdbd", linewidths=0.8, linestyles="dashed", zorder=0)
    axes.clabel(lines, fmt="HM %g", fontsize=8, colors=FAINT)
