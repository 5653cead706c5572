"""The files of reports and comparisons: written, and read again."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.compare import compare_runs
from speciarl_verl.evaluation.report.contents import ComparedRun, Comparison, Report
from speciarl_verl.evaluation.report.text import latex_comparison, latex_report, markdown_comparison, markdown_report
from speciarl_verl.evaluation.run import load_model
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.files import write_text

REPORT = "report.json"


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json`, `report.md`, `report.tex` and `plots/*.png` and `*.svg`.

    Raises:
        EvaluationError: matplotlib is not installed; then nothing is written.
    """
    _require_matplotlib()
    from speciarl_verl.evaluation.report.plots import plot_report

    plots = plot_report(report, folder / "plots")
    write_text(folder / "report.md", markdown_report(report, [f"plots/{path.name}" for path in plots]))
    write_text(folder / "report.tex", latex_report(report))
    write_text(folder / REPORT, report.model_dump_json(indent=2) + "\n")


def read_report(folder: Path) -> Report:
    """The report of a run's folder.

    Raises:
        EvaluationError: there is none, or it is of another version or broken.
    """
    report = load_model(folder / REPORT, Report, "build it again from the run's verdicts")
    if report is None:
        raise EvaluationError(f"{folder} holds no {REPORT}: finish the evaluation of that run first")
    return report


def compare_folders(folders: Sequence[Path], out: Path) -> Iterator[str]:
    """Write the comparison into `out`; gives lines for people.

    Raises:
        EvaluationError: a run is not finished, or they share no picture.
    """
    comparison = compare_runs([read_finished(folder) for folder in folders])
    write_comparison(comparison, out)
    for pair in comparison.pairs:
        difference = pair.hm.difference
        yield (
            f"{pair.dataset}: {pair.second} against {pair.first}: HM {difference.value:+.3f} "
            f"[{difference.low:+.3f}, {difference.high:+.3f}], p {pair.hm.p_value:.3g}, on {pair.images} pictures"
        )
    for note in comparison.notes:
        yield f"note: {note}"
    yield f"{out / 'compare.md'}"


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write `compare.json`, `compare.md`, `compare.tex` and `plots/compare.png` and `.svg`.

    Raises:
        EvaluationError: matplotlib is not installed; then nothing is written.
    """
    _require_matplotlib()
    from speciarl_verl.evaluation.report.plots import plot_comparison

    plots = plot_comparison(comparison.reports, folder / "plots")
    write_text(folder / "compare.md", markdown_comparison(comparison, [f"plots/{path.name}" for path in plots]))
    write_text(folder / "compare.tex", latex_comparison(comparison))
    write_text(folder / "compare.json", comparison.model_dump_json(indent=2) + "\n")


def read_finished(folder: Path) -> ComparedRun:
    """A run's report and verdicts.

    Raises:
        EvaluationError: there is no report, or the verdicts are not those of it.
    """
    report = read_report(folder)
    # Another command may be at work there: nothing is repaired.
    judged = verdicts_journal(folder).load(repair=False)
    if len(judged) != sum(part.n for part in report.datasets):
        raise EvaluationError(
            f"{folder}: its report is of {sum(part.n for part in report.datasets)} samples, its verdicts are "
            f"{len(judged)}: finish the evaluation of that run first"
        )
    return ComparedRun(report, sorted(judged, key=lambda one: one.prediction.key))


def _require_matplotlib() -> None:
    if find_spec("matplotlib") is None:
        raise EvaluationError("the report's plots need matplotlib: pip install 'speciarl_verl[evaluate]'")
