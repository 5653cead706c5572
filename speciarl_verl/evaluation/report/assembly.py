"""The report of a run: every figure from the list of judged predictions."""

from collections import Counter
from collections.abc import Mapping, Sequence

from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.records import Judged, Outcome
from speciarl_verl.evaluation.report.benchmarks import GROUPS
from speciarl_verl.evaluation.report.contents import Bootstrap, JudgeReport, Report
from speciarl_verl.evaluation.report.figures import report_average, report_dataset
from speciarl_verl.evaluation.report.grouping import group_by_dataset
from speciarl_verl.evaluation.run import Run
from speciarl_verl.evaluation.statistics.intervals import LEVEL, RESAMPLES


def build_report(
    judged: Sequence[Judged],
    *,
    name: str,
    run: Run,
    judge: JudgeReport,
    conti: Mapping[str, ContiScores] | None = None,
    seed: int = 0,
) -> Report:
    """Compute every figure. The order of `judged` plays no part: equal lists in any order give equal reports.

    Args:
        judged: all samples of all pictures, `run.settings.samples` a picture.
        name: the run's name in tables and plots.
        judge: who judged; who decided how often is counted here.
        conti: the scores of the protocol of Conti et al., by data set.
        seed: of the bootstrap.

    Raises:
        EvaluationError: there are no samples; one is there twice or missing; one picture has two ground truths.
    """
    pictures = group_by_dataset(judged, run.settings.samples)
    bootstrap = Bootstrap(level=LEVEL, resamples=RESAMPLES, seed=seed)
    datasets = {name: report_dataset(name, pictures[name], (conti or {}).get(name), bootstrap) for name in pictures}
    sources = Counter(one.source for one in judged if one.source is not None)
    same = None if run.training_judge is None else _same_judge(run.training_judge, judge.model or judge.kind)
    judge = judge.model_copy(update={"sources": dict(sorted(sources.items())), "is_training_judge": same})
    return Report(
        name=name,
        run=run,
        judge=judge,
        bootstrap=bootstrap,
        warnings=_warnings(judged, judge),
        datasets=tuple(datasets.values()),
        averages=tuple(report_average(group, datasets, pictures, bootstrap) for group in GROUPS),
    )


def _same_judge(first: str, second: str) -> bool:
    """`Qwen/Qwen3-30B` and `/models/Qwen3-30B/`: the same judge under two roofs is the same."""
    ones, others = (name.strip().rstrip("/").rsplit("/", 1)[-1].casefold() for name in (first, second))
    return ones == others


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
