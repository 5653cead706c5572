"""Heat map: the classes with most wrong answers, and what they are taken for.

Answers are open, so there is no square matrix of classes: a row is a class, and its cells are its most common wrong
answers, darker the larger their share of the class's samples.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.contents import ConfusedClass, DatasetReport
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import INK, new_figure

_ROWS = 15
_COLUMNS = 4
_CLASS_WIDTH = 26
_ANSWER_WIDTH = 24


def draw_confusions(dataset: DatasetReport) -> Figure:
    """Worst class at the top."""
    rows = dataset.confusions[:_ROWS]
    shares = np.full((len(rows), _COLUMNS), np.nan)
    for y, row in enumerate(rows):
        for x, answer in enumerate(row.answers[:_COLUMNS]):
            shares[y, x] = answer.count / row.n
    figure = new_figure(1.6 + 0.46 * len(rows), width=9.5)
    axes = figure.add_subplot()
    top = max(0.05, float(np.nanmax(shares)))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for y, row in enumerate(rows):
        _write_answers(axes, y, row, top)
    axes.set_yticks(range(len(rows)), [_class_label(row) for row in rows], fontsize=8.5)
    axes.set_xticks(range(_COLUMNS), [f"no. {rank}" for rank in range(1, _COLUMNS + 1)], fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.set_xticks(np.arange(_COLUMNS + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    title = f"{for_plot(dataset_title(dataset.name), 40)}: most common wrong answers of the worst classes"
    axes.set_title(title, fontsize=11, loc="left")
    bar = figure.colorbar(
        image, ax=axes, location="bottom", shrink=0.5, aspect=40, pad=0.02, format=PercentFormatter(1.0, decimals=0)
    )
    bar.set_label("share of the class's samples", fontsize=9)
    bar.ax.tick_params(labelsize=8.5)
    bar.outline.set_visible(False)
    return figure


def _class_label(row: ConfusedClass) -> str:
    return f"{for_plot(row.ground_truth, _CLASS_WIDTH)}\n{row.wrong:,} wrong of {row.n:,}"


def _write_answers(axes: Axes, y: int, row: ConfusedClass, top: float) -> None:
    for x, answer in enumerate(row.answers[:_COLUMNS]):
        ink = "white" if answer.count / row.n > 0.55 * top else INK
        text = f"{for_plot(answer.answer, _ANSWER_WIDTH)}\n{answer.count:,}"
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color=ink, linespacing=1.15)
