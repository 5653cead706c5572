"""The report of a run: every figure of its data sets, and of their groups, from the list of judged predictions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from speciarl_verl.evaluation.conti.four_scores import SCORES, ContiScores
from speciarl_verl.evaluation.records import OUTCOMES, Judged, Outcome
from speciarl_verl.evaluation.report.benchmarks import GROUPS, Group
from speciarl_verl.evaluation.report.confusions import worst_confusions
from speciarl_verl.evaluation.report.contents import (
    AverageReport,
    Bootstrap,
    DatasetReport,
    JudgeReport,
    OutcomeShare,
    Report,
)
from speciarl_verl.evaluation.report.grouping import JudgedPicture, counted, group_by_dataset
from speciarl_verl.evaluation.run import Run
from speciarl_verl.evaluation.statistics.best_of import BestOf, best_of_curve
from speciarl_verl.evaluation.statistics.intervals import LEVEL, RESAMPLES, Scores, estimate_scores
from speciarl_verl.method.category import Category


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
    datasets = {name: _report_dataset(name, pictures[name], (conti or {}).get(name), bootstrap) for name in pictures}
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
        averages=tuple(_report_average(group, datasets, pictures, bootstrap) for group in GROUPS),
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


def _report_dataset(
    name: str, pictures: Sequence[JudgedPicture], conti: ContiScores | None, bootstrap: Bootstrap
) -> DatasetReport:
    """All figures of one data set."""
    categories = counted(pictures)
    pooled = [category for samples in categories for category in samples]
    several = len(pooled) > len(pictures)
    return DatasetReport(
        name=name,
        images=len(pictures),
        n=len(pooled),
        scores=_scores([categories], bootstrap),
        shares=_shares(pictures, len(pooled)),
        best_of=tuple(best_of_curve(categories)) if several else (),
        conti=conti,
        confusions=worst_confusions(pictures),
    )


def _report_average(
    group: Group,
    reports: Mapping[str, DatasetReport],
    pictures: Mapping[str, Sequence[JudgedPicture]],
    bootstrap: Bootstrap,
) -> AverageReport:
    """The means over a group's data sets; without figures while one of them is missing."""
    missing = tuple(name for name in group.datasets if name not in reports)
    parts = [reports[name] for name in group.datasets if name in reports]
    whole = not missing
    return AverageReport(
        name=group.name,
        title=group.title,
        datasets=group.datasets,
        missing=missing,
        n=sum(part.n for part in parts),
        scores=_scores([counted(pictures[name]) for name in group.datasets], bootstrap) if whole else None,
        best_of=_average_curve(parts) if whole else (),
        conti=_average_conti(parts) if whole else None,
    )


def _average_curve(parts: Sequence[DatasetReport]) -> tuple[BestOf, ...]:
    return tuple(
        BestOf(
            k=points[0].k,
            specificity=fmean(point.specificity for point in points),
            correctness=fmean(point.correctness for point in points),
            hm=fmean(point.hm for point in points),
        )
        for points in zip(*(part.best_of for part in parts), strict=True)
    )


def _average_conti(parts: Sequence[DatasetReport]) -> ContiScores | None:
    if any(part.conti is None for part in parts):
        return None
    means: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for name in SCORES:
        values = {part.name: getattr(part.conti, name) for part in parts}
        lacking = [dataset for dataset, value in values.items() if value is None]
        means[name] = None if lacking else fmean(values.values())
        if lacking:
            notes[name] = f"missing for {', '.join(lacking)}"
    return ContiScores(**means, notes=notes)


def _scores(sets: Sequence[Sequence[Sequence[Category]]], bootstrap: Bootstrap) -> Scores:
    return estimate_scores(sets, resamples=bootstrap.resamples, level=bootstrap.level, seed=bootstrap.seed)


def _shares(pictures: Sequence[JudgedPicture], n: int) -> dict[str, OutcomeShare]:
    counts = Counter(judged.symbol for picture in pictures for judged in picture.samples)
    return {symbol: OutcomeShare(count=counts[symbol], share=counts[symbol] / n) for symbol in OUTCOMES}
