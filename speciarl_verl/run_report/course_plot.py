"""Curves over the steps, all runs in one figure: training as a line, validation as markers of the same colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import (
    GRID,
    clear_frame,
    new_figure,
    series_colour,
    series_marker,
)
from speciarl_verl.rollout.step_figures import OURS
from speciarl_verl.run_report.run_folder import Run
from speciarl_verl.watch.metrics_log import REWARD


@dataclass(frozen=True)
class _Panel:
    title: str
    figure: str
    validation: str = ""


_PANELS = (
    _Panel("reward", REWARD),
    _Panel("HM", f"{OURS}hm", "hm"),
    _Panel("KL loss", "actor/kl_loss"),
    _Panel("specificity", f"{OURS}specificity", "specificity"),
    _Panel("correctness", f"{OURS}correctness", "correctness"),
    _Panel("response, tokens", "response_length/mean"),
)
_SMOOTHED_FROM = 60
"""Steps from which a line is a running mean over a twentieth of them, over the faint line of the steps."""


def draw_course(runs: Sequence[Run]) -> Figure:
    """Six panels: reward, HM, KL, specificity, correctness, length."""
    figure = new_figure(5.6)
    for axes, panel in zip(figure.subplots(2, 3).flat, _PANELS, strict=True):
        for number, run in enumerate(runs):
            _draw(axes, panel, run, number)
        _dress(axes, panel)
    for axes in figure.axes[-3:]:
        axes.set_xlabel("step", fontsize=9)
    handles, labels = figure.axes[1].get_legend_handles_labels()
    if not handles:
        handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False, fontsize=9)
    return figure


def _draw(axes: Axes, panel: _Panel, run: Run, number: int) -> None:
    colour, label = series_colour(number), for_plot(run.name, 28)
    points = [(step.number, step.figures[panel.figure]) for step in run.training if panel.figure in step.figures]
    if points:
        numbers, values = zip(*points, strict=True)
        smooth = len(values) >= _SMOOTHED_FROM
        if smooth:
            axes.plot(numbers, values, color=colour, linewidth=0.8, alpha=0.3)
        shown = _running_mean(values, len(values) // 20) if smooth else values
        axes.plot(numbers, shown, color=colour, linewidth=1.6, label=f"{label}, rollouts")
    validations = run.validations(panel.validation) if panel.validation else []
    if validations:
        numbers, values = zip(*validations, strict=True)
        look: dict[str, Any] = {"color": colour, "marker": series_marker(number), "markersize": 4.5, "linewidth": 1.0}
        axes.plot(numbers, values, linestyle="dashed", label=f"{label}, validation", **look)


def _dress(axes: Axes, panel: _Panel) -> None:
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.tick_params(labelsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(color=GRID)
    clear_frame(axes)
    if not axes.lines:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "not logged", transform=axes.transAxes, ha="center", fontsize=9)


def _running_mean(values: Sequence[float], width: int) -> list[float]:
    """Over `width` values before and after; fewer at the ends."""
    spans = (values[max(0, at - width) : at + width + 1] for at in range(len(values)))
    return [sum(span) / len(span) for span in spans]
