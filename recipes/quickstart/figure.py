"""The figure of a run: categories before and after, and how reward and categories changed on the way."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from recipes.quickstart.course import Step
from recipes.quickstart.world import Visibility

# Told apart with any colour vision: false in vermilion, then from nothing said to all said, pale to dark blue.
_COLOUR = {
    "W": "#d55e00",
    "A": "#d9d9d9",
    "G": "#b5d4ec",
    "S-": "#62a3d4",
    "S": "#1c62a5",
    "S+": "#08264f",
}
_UNPARSEABLE = "#3a3a3a"
_MEANING = {
    "W": "wrong",
    "A": "abstains",
    "G": "generic",
    "S-": "less specific",
    "S": "specific",
    "S+": "more specific",
}


def plot(before: Mapping[str, Any], after: Mapping[str, Any], course: Sequence[Step], title: str, path: Path) -> None:
    """Draw the evaluations and the steps of training as a PNG."""
    figure = Figure(figsize=(11, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
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
    handles = [Patch(color=colour, label=f"{symbol}  {_MEANING[symbol]}") for symbol, colour in _COLOUR.items()]
    if has_shares:
        handles.append(Patch(color=_UNPARSEABLE, label="unparseable (training)"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    figure.savefig(path, format="png")


def _draw_bars(axes: Axes, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    rows = [("all", before, after)] + [
        (v.value, before["by_visibility"][v.value], after["by_visibility"][v.value])
        for v in Visibility
        if v.value in after["by_visibility"]
    ]
    ticks = []
    for row, (name, *pair) in enumerate(rows):
        for moment, figures, y in zip(("before", "after"), pair, (2.4 * row, 2.4 * row + 1), strict=True):
            ticks.append((y, f"{name}, {moment}" if moment == "before" else moment))
            left = 0.0
            for symbol, colour in _COLOUR.items():
                share = figures["counts"][symbol] / figures["n"]
                axes.barh(y, share, left=left, height=0.9, color=colour)
                if share >= 0.06:
                    text = "black" if symbol in ("A", "G") else "white"
                    axes.text(left + share / 2, y, symbol, ha="center", va="center", color=text, fontsize=9)
                left += share
            axes.text(1.02, y, f"HM {figures['hm']:.3f}", va="center", fontsize=9)
    axes.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("Greedy answers on held-out pictures", fontsize=11, loc="left")


def _draw_reward(axes: Axes, course: Sequence[Step]) -> None:
    axes.plot([step.number for step in course], [step.reward for step in course], color="#1c62a5", marker=".")
    axes.margins(x=0)
    axes.set_title("Mean reward of a step", fontsize=11, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e5e5e5")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_shares(axes: Axes, course: Sequence[Step]) -> None:
    logged = [step for step in course if step.shares]
    colours = {"unparseable": _UNPARSEABLE, **_COLOUR}
    axes.stackplot(
        [step.number for step in logged],
        [[step.shares.get(name, 0.0) for step in logged] for name in colours],
        colors=list(colours.values()),
    )
    axes.set_title("Sampled rollouts by category", fontsize=11, loc="left")
    axes.set_ylim(0, 1)
    axes.margins(x=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines[["top", "right"]].set_visible(False)
