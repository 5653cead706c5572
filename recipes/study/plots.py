"""The plots of RESULTS.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from recipes.study.contrasts import NAMED, by_seed
from recipes.study.world import DOMAINS, Group
from speciarl_verl.evaluation.outcome_colours import LIGHT
from speciarl_verl.evaluation.report.plots.canvas import (
    FAINT,
    GRID,
    INK,
    clear_frame,
    new_figure,
    save,
    series_colour,
    series_marker,
)

Result = Mapping[str, Any]

_PANELS_A_ROW = 6
_UNTRAINED = {
    "zero-shot": "before training",
    "be specific": "asked to be specific",
    "calibrated": "asked to be calibrated",
    "oracle": "oracle",
}
"""Levels that trainings are seen against."""
FEWEST_PICTURES = 20
"""That make a point of the reliability diagram."""

_CATEGORY_COLOURS = {symbol: tone.colour for symbol, tone in LIGHT.items() if symbol != "failed"}


def draw_all(results: Sequence[Result], folder: Path) -> list[str]:
    """Every plot for which there are results; gives their names."""
    plots = (tradeoff, rollouts, course, categories, certainty, known)
    return [draw.__name__ for draw in plots if draw(results, folder / draw.__name__)]


def tradeoff(results: Sequence[Result], path: Path) -> bool:
    """Specificity against correctness, a panel a group of domains, with contours of HM."""
    names = _names(results)
    figure = new_figure(4.2, 11.0)
    for axes, group in zip(figure.subplots(1, 3), Group, strict=True):
        points = {name: _mean_point(results, name, group.value) for name in names}
        grid = np.linspace(0.3, 1.0, 200)
        c, s = np.meshgrid(grid, grid)
        lines = axes.contour(c, s, 2 * c * s / (c + s), levels=np.arange(0.4, 1.0, 0.05), colors=GRID, linewidths=0.8)
        axes.clabel(lines, fontsize=6, colors=FAINT)
        for number, (name, (correctness, specificity)) in enumerate(points.items()):
            colour = INK if name == "oracle" else series_colour(number)
            marker = "*" if name == "oracle" else series_marker(number)
            axes.plot(correctness, specificity, marker, color=colour, label=name, ls="", ms=9 if marker == "*" else 6)
        found = np.array(list(points.values()))
        axes.set_xlim(found[:, 0].min() - 0.04, min(1.0, found[:, 0].max() + 0.04))
        axes.set_ylim(found[:, 1].min() - 0.04, min(1.005, found[:, 1].max() + 0.04))
        axes.set_title(group.value, fontsize=10, loc="left")
        axes.set_xlabel("correctness")
        clear_frame(axes)
    figure.axes[0].set_ylabel("specificity")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=7, frameon=False)
    save(figure, path.parent, path.name)
    return True


def rollouts(results: Sequence[Result], path: Path) -> bool:
    """HM on the held-out domains against the number of rollouts, beside that of the policies that were not trained."""
    rules: dict[str, dict[int, list[float]]] = {}
    for name in _names(results):
        rule, _, size = name.rpartition(" N=")
        if rule and "images" not in rule and "noise" not in rule:
            rules.setdefault(rule, {})[int(size)] = list(by_seed(results, name).values())
    if not rules:
        return False
    figure = new_figure(4.0)
    axes = figure.subplots()
    for name, told in _UNTRAINED.items():
        if seeds := by_seed(results, name):
            level = fmean(seeds.values())
            axes.axhline(level, color=FAINT, lw=0.8, ls="--")
            axes.annotate(told, (1.01, level), xycoords=("axes fraction", "data"), color=FAINT, fontsize=8, va="center")
    for number, (rule, points) in enumerate(rules.items()):
        ns = sorted(points)
        colour, means = series_colour(number), [fmean(points[n]) for n in ns]
        axes.plot(ns, means, color=colour, marker=series_marker(number), label=rule)
        for n in ns:
            axes.plot([n] * len(points[n]), points[n], ".", color=colour, alpha=0.4)
    axes.set_xscale("log", base=2)
    axes.set_xticks([4, 8, 16], ["4", "8", "16"])
    axes.set_xlabel("rollouts a picture (prompts a step are the same)")
    axes.set_ylabel("HM, mean of the held-out domains")
    figure.legend(loc="outside upper left", frameon=False, fontsize=8, ncols=4)
    clear_frame(axes)
    save(figure, path.parent, path.name)
    return True


def course(results: Sequence[Result], path: Path) -> bool:
    """Of seed 0: HM of the sampled answers against steps and against rollouts, for the rows of the named contrasts."""
    named = [name for contrast in NAMED for name in (contrast.better, *contrast.others)]
    trained = [result for result in _trained(results) if result["name"] in named]
    if not trained:
        return False
    figure = new_figure(4.0, 11.0)
    by_steps, by_rollouts = figure.subplots(1, 2, sharey=True)
    for number, result in enumerate(trained):
        steps = [point[0] for point in result["course"]]
        hm = [_training_hm(point[2]) for point in result["course"]]
        each = result["rollouts"] / len(steps)
        by_steps.plot(steps, hm, color=series_colour(number), label=result["name"], lw=1.2)
        by_rollouts.plot([step * each for step in steps], hm, color=series_colour(number), lw=1.2)
    by_steps.set_xlabel("step")
    by_rollouts.set_xlabel("rollouts")
    by_steps.set_ylabel("HM of the sampled answers (birds)")
    by_steps.legend(fontsize=8, frameon=False)
    for axes in (by_steps, by_rollouts):
        clear_frame(axes)
    save(figure, path.parent, path.name)
    return True


def categories(results: Sequence[Result], path: Path) -> bool:
    """Shares of categories over the steps of seed 0, a panel a row."""
    trained = _trained(results)
    if not trained:
        return False
    rows = -(-len(trained) // _PANELS_A_ROW)
    figure = new_figure(0.5 + 1.5 * rows, 11.0)
    panels = figure.subplots(rows, _PANELS_A_ROW, squeeze=False, sharey=True)
    for axes, result in zip(panels.flat, trained, strict=False):
        _stack(axes, result)
    for axes in panels.flat[len(trained) :]:
        axes.set_visible(False)
    handles = [Patch(color=colour, label=name) for name, colour in _CATEGORY_COLOURS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
    save(figure, path.parent, path.name)
    return True


def certainty(results: Sequence[Result], path: Path) -> bool:
    """How often a kind is named of held-out fine-grained pictures, by how probable its best guess could be."""
    figure = new_figure(4.0)
    axes = figure.subplots()
    for number, name in enumerate(n for n in _names(results) if n not in ("best-of-64", "oracle")):
        shares = named_by_certainty(results, name)
        places = [(place + 0.5) / len(shares) for place in range(len(shares))]
        axes.plot(places, shares, color=series_colour(number), marker=series_marker(number), ms=4, lw=1, label=name)
    axes.set_xlabel("probability of the best guess at the kind, by what the picture shows")
    axes.set_ylabel("a kind is named")
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, fontsize=7, ncols=2)
    clear_frame(axes)
    save(figure, path.parent, path.name)
    return True


def known(results: Sequence[Result], path: Path) -> bool:
    """The reliability diagram of the untrained policies: how often a stated probability is right."""
    oracles = [result for result in results if result["name"] == "oracle"]
    if not oracles:
        return False
    figure = new_figure(4.0)
    for axes, rung in zip(figure.subplots(1, 2, sharey=True), ("kind", "family"), strict=True):
        axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8)
        for number, group in enumerate(Group):
            stated, right = reliability_points(oracles, group, rung)
            axes.plot(stated, right, color=series_colour(number), marker=series_marker(number), ms=4, label=group.value)
        axes.set_title(f"made to name the {rung}", fontsize=10, loc="left")
        axes.set_xlabel("probability that the policy states")
        clear_frame(axes)
    figure.axes[0].set_ylabel("right")
    figure.axes[0].legend(frameon=False, fontsize=8)
    save(figure, path.parent, path.name)
    return True


def reliability_points(oracles: Sequence[Result], group: Group, rung: str) -> tuple[list[float], list[float]]:
    """What is stated and how often it is right, both `(bins,)`, over the domains of a group and all seeds.

    Bins of fewer than `FEWEST_PICTURES` are left out: how often those are right is chance.
    """
    pooled: dict[float, list[tuple[int, float, float]]] = {}
    for result in oracles:
        for domain in DOMAINS:
            if domain.group is group:
                for found in result["domains"][domain.name]["reliability"][rung]:
                    pooled.setdefault(found["low"], []).append((found["n"], found["stated"], found["right"]))
    means = []
    for _, bins in sorted(pooled.items()):
        n = sum(size for size, _, _ in bins)
        if n < FEWEST_PICTURES:
            continue
        means.append([sum(size * values[i] for size, *values in bins) / n for i in (0, 1)])
    return [mean[0] for mean in means], [mean[1] for mean in means]


def named_by_certainty(results: Sequence[Result], name: str) -> list[float]:
    """Share of fine-grained pictures of which a kind was named, in each tenth of certainty; nan where none fell."""
    total = np.zeros((10, 3))
    for result in results:
        if result["name"] == name:
            total += sum(np.array(result["domains"][domain]["kinds"]) for domain in ("flowers", "food", "pets"))
    with np.errstate(invalid="ignore"):
        return [float(share) for share in total[:, 1] / total[:, 0]]


def _trained(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result["course"] and result["seed"] == 0]


def _names(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result["name"] for result in results))


def _mean_point(results: Sequence[Result], name: str, group: str) -> tuple[float, float]:
    found = [result["figures"][group] for result in results if result["name"] == name]
    return fmean(f["correctness"] for f in found), fmean(f["specificity"] for f in found)


def _training_hm(shares: Mapping[str, float]) -> float:
    scores = {"A": 1, "G": 2, "S-": 3, "S": 4, "S+": 4}
    right = sum(shares.get(name, 0.0) for name in scores)
    if not right:
        return 0.0
    specificity = sum(score * shares.get(name, 0.0) for name, score in scores.items()) / right / 4
    return 2 * specificity * right / (specificity + right)


def _stack(axes: Axes, result: Result) -> None:
    steps = [point[0] for point in result["course"]]
    shares = [[point[2].get(name, 0.0) for point in result["course"]] for name in _CATEGORY_COLOURS]
    axes.stackplot(steps, shares, colors=list(_CATEGORY_COLOURS.values()))
    axes.set_title(result["name"], fontsize=7, loc="left")
    axes.set_ylim(0, 1)
    axes.margins(x=0)
    axes.tick_params(labelsize=6)
