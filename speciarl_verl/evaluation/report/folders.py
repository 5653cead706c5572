"""Finished runs side by side: their folders read, what `compare.py` makes of them written."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.build import read_report
from speciarl_verl.evaluation.report.compare import compare_runs
from speciarl_verl.evaluation.report.compare_text import latex_comparison, markdown_comparison
from speciarl_verl.evaluation.report.comparison import ComparedRun, Comparison
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.files import write_text


def compare_folders(folders: Sequence[Path], out: Path) -> Iterator[str]:
    """Write the comparison into `out`; gives lines for people.

    Raises:
        EvaluationError, ValueError: a run is not finished, or they share no picture.
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
    from speciarl_verl.evaluation.report.plots import plot_comparison

    plots = plot_comparison(comparison.reports, folder / "plots")
    write_text(folder / "compare.md", markdown_comparison(comparison, [f"plots/{path.name}" for path in plots]))
    write_text(folder / "compare.tex", latex_comparison(comparison))
    write_text(folder / "compare.json", comparison.model_dump_json(indent=2) + "\n")


def read_finished(folder: Path) -> ComparedRun:
    """A run's report and verdicts.

    Raises:
        EvaluationError: the verdicts are not those of the report.
        ValueError: there is no report.
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
