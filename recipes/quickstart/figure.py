"""The figure of a run: categories before and after, and how reward and categories changed on the way."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from recipes.quickstart.by_visibility import Figures
from recipes.quickstart.course import Step
from recipes.quickstart.world import Visibility
from speciarl_verl.evaluation.outcome_colours import LIGHT
from speciarl_verl.evaluation.report.plots.canvas import GRID, clear_frame, new_figure
from speciarl_verl.evaluation.report.plots.palette import draw_outcomes, outcome_handles
from speciarl_verl.method.category import Category

_SHOWN = ("unparseable", *(category.symbol for category in Category))


def plot(before: Figures, after: Figures, course: Sequence[Step], title: str, path: Path) -> None:
    """Draw the evaluations and the steps of training as a PNG."""
    figure = new_figure(4.6, width=11)
    figure.suptitle(title, fontsize=13)
    has_shares = any(step.shares for step in course)
    bars, *right = figure.subplot_mosaic(
        [["bars", "reward"], ["bars", "shares"]] if has_shares else [["bars", "reward"]], width_ratios=[1.5, 1]
    ).values()
    _draw_bars(bars, before, after)
    _draw_reward(right[0], course)
    if has_shares:
        _draw_shares(right[1], course)
    right[-1].set_xlabel("step")
    figure.legend(
        handles=outcome_handles(_SHOWN), loc="outside lower center", ncols=len(_SHOWN), frameon=False, fontsize=9
    )
    figure.savefig(path, format="png")


def _draw_bars(axes: Axes, before: Figures, after: Figures) -> None:
    rows = [("all", before, after)] + [
        (v.value, before["by_visibility"][v.value], after["by_visibility"][v.value])
        for v in Visibility
        if v.value in after["by_visibility"]
    ]
    ticks = []
    for row, (name, *pair) in enumerate(rows):
        for moment, figures, y in zip(("before", "after"), pair, (2.4 * row, 2.4 * row + 1), strict=True):
            ticks.append((y, f"{name}, {moment}" if moment == "before" else moment))
            draw_outcomes(axes, y, _shares(figures), height=0.9)
            axes.text(1.02, y, f"HM {figures['hm']:.3f}", va="center", fontsize=9)
    axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    clear_frame(axes)
    axes.spines["left"].set_visible(False)
    axes.set_title("Greedy answers on held-out pictures", fontsize=11, loc="left")


def _shares(figures: Figures) -> dict[str, float]:
    """Of the outcomes; an unparseable sample is among the wrong ones of `counts`."""
    counts = {**figures["counts"], "unparseable": figures["unparseable"]}
    counts["W"] -= figures["unparseable"]
    return {symbol: count / figures["n"] for symbol, count in counts.items()}


def _draw_reward(axes: Axes, course: Sequence[Step]) -> None:
    axes.plot([step.number for step in course], [step.reward for step in course], color=LIGHT["S"].colour, marker=".")
    axes.margins(x=0)
    axes.set_title("Mean reward of a step", fontsize=11, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=GRID)
    clear_frame(axes)


def _draw_shares(axes: Axes, course: Sequence[Step]) -> None:
    logged = [step for step in course if step.shares]
    axes.stackplot(
        [step.number for step in logged],
        [[step.shares.get(name, 0.0) for step in logged] for name in _SHOWN],
        colors=[LIGHT[name].colour for name in _SHOWN],
    )
    axes.set_title("Sampled rollouts by category", fontsize=11, loc="left")
    axes.set_ylim(0, 1)
    axes.margins(x=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    clear_frame(axes)
