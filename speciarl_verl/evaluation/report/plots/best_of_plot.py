"""Curves: what the best of k samples of every picture would score."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import (
    GRID,
    INK,
    clear_frame,
    new_figure,
    series_colour,
    series_marker,
)
from speciarl_verl.evaluation.statistics.best_of import BestOf

_FIGURES = (("specificity", "specificity"), ("correctness", "correctness"), ("hm", "HM"))
_DASHES = ("solid", "dashed", "dotted")


def draw_best_of(report: Report) -> Figure:
    """Specificity, correctness and HM over k, side by side; the k axis is logarithmic."""
    figure = new_figure(3.9)
    panels: Sequence[Axes] = figure.subplots(1, len(_FIGURES))
    for axes, (name, title) in zip(panels, _FIGURES, strict=True):
        for number, dataset in enumerate(report.datasets):
            label = for_plot(dataset_title(dataset.name), 28)
            look: dict[str, Any] = {"color": series_colour(number), "marker": series_marker(number), "linewidth": 1.4}
            _draw_curve(axes, dataset.best_of, name, label, **look)
        for average, dashes in zip(report.averages, _DASHES, strict=True):
            if average.best_of:
                look = {"color": INK, "linestyle": dashes, "linewidth": 2.0}
                _draw_curve(axes, average.best_of, name, f"mean, {average.title}", **look)
        _dress(axes, title, len(report.datasets[0].best_of))
    figure.suptitle(f"{for_plot(report.name, 60)}: the best of k samples", fontsize=11, x=0.01, ha="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False, fontsize=9)
    return figure


def _draw_curve(axes: Axes, curve: Sequence[BestOf], name: str, label: str, **look: Any) -> None:
    marked = [index for index, point in enumerate(curve) if point.k in _marked(len(curve))]
    values = [getattr(point, name) for point in curve]
    axes.plot([point.k for point in curve], values, label=label, markersize=4, markevery=marked, **look)


def _dress(axes: Axes, title: str, size: int) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(_marked(size)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.tick_params(labelsize=9)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("k", fontsize=9)
    axes.grid(color=GRID)
    clear_frame(axes)


def _marked(size: int) -> list[int]:
    """1, 2, 4 .. and the last; a power just below the last gives way to it."""
    powers = [2**power for power in range(size.bit_length()) if 2**power * 1.3 < size]
    return [*powers, size]
