"""The report of a run: every figure from the list of judged predictions, and the files that show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import Judged, Outcome
from speciarl_verl.evaluation.report.benchmarks import GROUPS
from speciarl_verl.evaluation.report.figures import report_average, report_dataset
from speciarl_verl.evaluation.report.grouping import group_by_dataset
from speciarl_verl.evaluation.report.schema import (
    REPORT_SCHEMA_VERSION,
    Bootstrap,
    Conti,
    JudgeAbout,
    JudgeReport,
    Report,
    RunAbout,
    SamplingAbout,
    Versions,
)
from speciarl_verl.evaluation.statistics.intervals import LEVEL, RESAMPLES
from speciarl_verl.files import write_text

if TYPE_CHECKING:  # it may bring models along
    from speciarl_verl.evaluation.conti.scores import ContiScores

__all__ = [
    "JudgeAbout",
    "Report",
    "RunAbout",
    "SamplingAbout",
    "Versions",
    "build_report",
    "read_report",
    "write_report",
]

REPORT = "report.json"


def build_report(
    judged: Sequence[Judged],
    *,
    about: RunAbout,
    conti: "Mapping[str, ContiScores | Conti] | None" = None,
    seed: int = 0,
) -> Report:
    """Compute every figure. The order of `judged` plays no part: equal lists in any order give equal reports.

    Args:
        judged: all samples of all pictures, `about.sampling.n` a picture.
        conti: the scores of the protocol of Conti et al., by data set.
        seed: of the bootstrap.

    Raises:
        EvaluationError: there are no samples; one is there twice or missing; one picture has two ground truths.
    """
    pictures = group_by_dataset(judged, about.sampling.n)
    bootstrap = Bootstrap(level=LEVEL, resamples=RESAMPLES, seed=seed)
    datasets = {name: report_dataset(name, pictures[name], (conti or {}).get(name), bootstrap) for name in pictures}
    judge = _judge(judged, about)
    return Report(
        about=about,
        judge=judge,
        bootstrap=bootstrap,
        warnings=_warnings(judged, judge),
        datasets=tuple(datasets.values()),
        averages=tuple(report_average(group, datasets, pictures, bootstrap) for group in GROUPS),
    )


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json`, `report.md`, `report.tex` and `plots/*.png` and `*.svg`.

    Raises:
        EvaluationError: matplotlib is not installed; then nothing is written.
    """
    from speciarl_verl.evaluation.report.plots import plot_report, require_matplotlib
    from speciarl_verl.evaluation.report.text import latex_report, markdown_report

    require_matplotlib()
    plots = plot_report(report, folder / "plots")
    write_text(folder / "report.md", markdown_report(report, [f"plots/{path.name}" for path in plots]))
    write_text(folder / "report.tex", latex_report(report))
    write_text(folder / REPORT, report.model_dump_json(indent=2) + "\n")


def read_report(folder: Path) -> Report:
    """The report of a run's folder.

    Raises:
        EvaluationError: there is none, or it is of another version or broken.
    """
    path = folder / REPORT
    try:
        report = Report.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise EvaluationError(f"{folder} holds no {REPORT}: finish the evaluation of that run first") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EvaluationError(
            f"{path} is no report of this version ({place}: {first['msg']}): build it again from the run's verdicts"
        ) from None
    if report.schema_version != REPORT_SCHEMA_VERSION:
        raise EvaluationError(
            f"{path} has schema version {report.schema_version}, not {REPORT_SCHEMA_VERSION}: build it again from the "
            "run's verdicts"
        )
    return report


def _judge(judged: Sequence[Judged], about: RunAbout) -> JudgeReport:
    sources = Counter(one.source for one in judged if one.source is not None)
    return JudgeReport(
        kind=about.judge.kind,
        model=about.judge.model,
        rubric=about.judge.rubric,
        sources=dict(sorted(sources.items())),
        is_training_judge=_is_training_judge(about),
    )


def _is_training_judge(about: RunAbout) -> bool | None:
    if about.training_judge is None:
        return None
    return _last_part(about.training_judge) == _last_part(about.judge.model or about.judge.kind)


def _last_part(name: str) -> str:
    """`Qwen3-30B` of `Qwen/Qwen3-30B` and of `/models/Qwen3-30B/`: the same judge under two roofs is the same."""
    return name.strip().rstrip("/").rsplit("/", 1)[-1].casefold()


def _warnings(judged: Sequence[Judged], judge: JudgeReport) -> tuple[str, ...]:
    warnings = []
    if judge.is_training_judge:
        warnings.append(
            f"The judge, {judge.model or judge.kind}, is the one whose verdicts were the rewards of the training: its "
            "leanings are in both. Judge again with another before quoting these figures."
        )
    failed = sum(one.outcome is Outcome.FAILED for one in judged)
    if failed:
        warnings.append(f"{failed:,} of {len(judged):,} samples failed, and count as wrong.")
    return tuple(warnings)
