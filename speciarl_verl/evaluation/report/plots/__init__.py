"""The plots of a report, as PNG and SVG. Importing this loads matplotlib."""

import re
from collections.abc import Sequence
from pathlib import Path

from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.plots.best_of_plot import draw_best_of
from speciarl_verl.evaluation.report.plots.canvas import save
from speciarl_verl.evaluation.report.plots.category_plot import draw_categories
from speciarl_verl.evaluation.report.plots.comparison_plot import draw_comparison
from speciarl_verl.evaluation.report.plots.confusion_plot import draw_confusions
from speciarl_verl.evaluation.report.plots.tradeoff_plot import draw_report


def plot_report(report: Report, folder: Path) -> list[Path]:
    """Draw everything there is to draw of one run.

    Returns:
        The files, PNG before SVG of each plot, in the order of a page.
    """
    paths = save(draw_report(report), folder, "tradeoff")
    paths += save(draw_categories(report), folder, "categories")
    if any(dataset.best_of for dataset in report.datasets):
        paths += save(draw_best_of(report), folder, "best_of")
    for number, dataset in enumerate(report.datasets, start=1):
        if dataset.confusions:
            paths += save(draw_confusions(dataset), folder, f"confusions_{_file_name(dataset.name, number)}")
    return paths


def plot_comparison(reports: Sequence[Report], folder: Path) -> list[Path]:
    """Draw runs over the same pictures into one scatter: `compare.png` and `compare.svg`."""
    return save(draw_comparison(reports), folder, "compare")


def _file_name(dataset: str, number: int) -> str:
    """The data set's own name where it can be a file's, else its number."""
    return dataset if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}", dataset) else f"set_{number}"
