"""What was run beside what was published: means over the fine-grained and the very fine-grained sets.

A figure that the paper does not give, or that was not run, is blank; nothing is computed from published figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recipes.paper.runs import Paper, Run
from speciarl_verl.evaluation.report.benchmarks import FINE_GRAINED, VERY_FINE_GRAINED, Group
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.folders import read_report
from speciarl_verl.evaluation.report.published import published

_HEAD = (
    "| run | specificity | correctness | HM | published | HM very fine | published | TI, LI, SS, CS |",
    "|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Figures:
    """Specificity, correctness and HM as fractions; None where there is none."""

    specificity: float | None = None
    correctness: float | None = None
    hm: float | None = None


def paper_table(paper: Paper, out: Path) -> Iterator[str]:
    """The lines of a Markdown table, one run a line, for the folder that `paper.sh` wrote into.

    Raises:
        InputError: a report there cannot be read.
    """
    yield from _HEAD
    for run in paper.runs:
        folder = out / run.name / "evaluation"
        report = read_report(folder) if (folder / "report.json").is_file() else None
        fine, very = measured(report, FINE_GRAINED), measured(report, VERY_FINE_GRAINED)
        stated, stated_very = printed(run, FINE_GRAINED), printed(run, VERY_FINE_GRAINED)
        triple = " / ".join(filter(None, map(_text, (stated.specificity, stated.correctness, stated.hm))))
        cells = (
            *map(_text, (fine.specificity, fine.correctness, fine.hm)),
            *(triple, _text(very.hm), _text(stated_very.hm), _conti(report)),
        )
        yield f"| {run.name} | {' | '.join(cells)} |"


def printed(run: Run, group: Group) -> Figures:
    """What the paper gives for a run."""
    if run.published:
        row = published().find(run.published, group.name)
        return Figures(row.specificity, row.correctness, row.hm) if row else Figures()
    return Figures(hm=run.hm if group is FINE_GRAINED else None)


def measured(report: Report | None, group: Group) -> Figures:
    """What the report gives; of several samples a picture the best counts."""
    average = next((one for one in report.averages if one.name == group.name), None) if report else None
    if average is None or average.scores is None:
        return Figures()
    if average.best_of:
        best = average.best_of[-1]
        return Figures(best.specificity, best.correctness, best.hm)
    scores = average.scores
    return Figures(scores.specificity.value, scores.correctness.value, scores.hm.value)


def _conti(report: Report | None) -> str:
    average = next((one for one in report.averages if one.name == "all"), None) if report else None
    if average is None or average.conti is None:
        return ""
    conti = average.conti
    scores = (
        conti.text_inclusion,
        conti.llama_inclusion,
        conti.semantic_similarity,
        conti.concept_similarity,
    )
    return ", ".join(_text(score) or "off" for score in scores)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
