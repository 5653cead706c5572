"""Stacked bars: what the samples of every data set came to."""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import clear_frame, new_figure
from speciarl_verl.evaluation.report.plots.palette import draw_outcomes, outcome_handles


def draw_categories(report: Report) -> Figure:
    """One bar a data set."""
    figure = new_figure(1.5 + 0.5 * len(report.datasets))
    axes = figure.add_subplot()
    for y, dataset in enumerate(report.datasets):
        draw_outcomes(axes, y, {symbol: share.share for symbol, share in dataset.shares.items()}, height=0.72)
        axes.text(1.01, y, f"HM {dataset.scores.hm.value:.3f}", va="center", fontsize=9)
    labels = [f"{for_plot(dataset_title(dataset.name), 24)}\nn = {dataset.n:,}" for dataset in report.datasets]
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    clear_frame(axes)
    axes.spines["left"].set_visible(False)
    axes.set_title(f"{for_plot(report.name, 60)}: share of samples", fontsize=11, loc="left")
    figure.legend(handles=outcome_handles(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
