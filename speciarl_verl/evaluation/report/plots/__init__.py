"""The plots of a report, as PNG and SVG. matplotlib is only loaded when something is drawn."""

import re
from collections.abc import Sequence
from pathlib import Path

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.contents import Report


def require_matplotlib() -> None:
    """See that plots can be drawn.

    Raises:
        RuntimeError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise EvaluationError("the report's plots need matplotlib: pip install 'speciarl_verl[evaluate]'") from None


def plot_report(report: Report, folder: Path) -> list[Path]:
    """Draw everything there is to draw of one run.

    Returns:
        The files, PNG before SVG of each plot, in the order of a page.

    Raises:
        RuntimeError: matplotlib is not installed.
    """
    require_matplotlib()
    from speciarl_verl.evaluation.report.plots.best_of_plot import draw_best_of
    from speciarl_verl.evaluation.report.plots.canvas import save
    from speciarl_verl.evaluation.report.plots.category_plot import draw_categories
    from speciarl_verl.evaluation.report.plots.confusion_plot import draw_confusions
    from speciarl_verl.evaluation.report.plots.tradeoff_plot import draw_report

    paths = save(draw_report(report), folder, "tradeoff")
    paths += save(draw_categories(report), folder, "categories")
    if any(dataset.best_of for dataset in report.datasets):
        paths += save(draw_best_of(report), folder, "best_of")
    for number, dataset in enumerate(report.datasets, start=1):
        if dataset.confusions:
            paths += save(draw_confusions(dataset), folder, f"confusions_{_file_name(dataset.name, number)}")
    return paths


def plot_comparison(reports: Sequence[Report], folder: Path) -> list[Path]:
    """Draw runs over the same pictures into one scatter: `compare.png` and `compare.svg`.

    Raises:
        RuntimeError: matplotlib is not installed.
    """
    require_matplotlib()
    from speciarl_verl.evaluation.report.plots.canvas import save
    from speciarl_verl.evaluation.report.plots.comparison_plot import draw_comparison

    return save(draw_comparison(reports), folder, "compare")


def _file_name(dataset: str, number: int) -> str:
    """The data set's own name where it can be a file's, else its number."""
    return dataset if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}", dataset) else f"set_{number}"
