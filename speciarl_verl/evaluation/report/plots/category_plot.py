"""Stacked bars: what the samples of every data set came to."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import INK, clear_frame, new_figure
from speciarl_verl.evaluation.report.schema import DatasetReport, Report

# What counts as wrong in dark greys and vermilion, then from nothing said to all said, pale to dark blue.
_COLOUR = {
    "failed": "#1a1a1a",
    "unparseable": "#6b6b6b",
    "W": "#d55e00",
    "A": "#d9d9d9",
    "G": "#b5d4ec",
    "S-": "#62a3d4",
    "S": "#1c62a5",
    "S+": "#08264f",
}
_MEANING = {
    "W": "W  wrong",
    "A": "A  abstains",
    "G": "G  generic",
    "S-": "S-  less specific",
    "S": "S  specific",
    "S+": "S+  more specific",
}
_DARK_TEXT = {"A", "G"}
_ROOM = 0.05
"""Share of a bar that holds its symbol."""


def draw_categories(report: Report) -> Figure:
    """One bar a data set."""
    figure = new_figure(1.5 + 0.5 * len(report.datasets))
    axes = figure.add_subplot()
    for y, dataset in enumerate(report.datasets):
        _draw_bar(axes, y, dataset)
    labels = [f"{for_plot(dataset_title(dataset.name), 24)}\nn = {dataset.n:,}" for dataset in report.datasets]
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    clear_frame(axes)
    axes.spines["left"].set_visible(False)
    axes.set_title(f"{for_plot(report.about.name, 60)}: share of samples", fontsize=11, loc="left")
    handles = [Patch(color=colour, label=_MEANING.get(symbol, symbol)) for symbol, colour in _COLOUR.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _draw_bar(axes: Axes, y: int, dataset: DatasetReport) -> None:
    left = 0.0
    for symbol, colour in _COLOUR.items():
        share = dataset.shares[symbol].share
        axes.barh(y, share, left=left, height=0.72, color=colour)
        if share >= _ROOM and symbol in _MEANING:
            ink = INK if symbol in _DARK_TEXT else "white"
            axes.text(left + share / 2, y, symbol, ha="center", va="center", color=ink, fontsize=9)
        left += share
    axes.text(1.01, y, f"HM {dataset.scores.hm.value:.3f}", va="center", fontsize=9)
