"""The figures of one data set, and of a group of them, from their pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from speciarl_verl.evaluation.records import Outcome
from speciarl_verl.evaluation.report.benchmarks import Group
from speciarl_verl.evaluation.report.confusions import worst_confusions
from speciarl_verl.evaluation.report.grouping import Picture, counted
from speciarl_verl.evaluation.report.schema import (
    AverageReport,
    BestOfPoint,
    Bootstrap,
    Conti,
    DatasetReport,
    Estimate,
    Scores,
    Share,
)
from speciarl_verl.evaluation.statistics.best_of import best_of_curve
from speciarl_verl.evaluation.statistics.intervals import Interval, MetricIntervals, bootstrap_average_of_samples
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import AverageMetrics, Metrics, average_metrics, compute_metrics

if TYPE_CHECKING:  # it may bring models along
    from speciarl_verl.evaluation.conti.scores import ContiScores

SYMBOLS = tuple(category.symbol for category in Category) + tuple(outcome.value for outcome in Outcome)
"""The eight outcomes of a sample, in the order of tables and plots."""

_CONTI = ("text_inclusion", "llama_inclusion", "semantic_similarity", "concept_similarity")


def report_dataset(
    name: str, pictures: Sequence[Picture], conti: "ContiScores | Conti | None", bootstrap: Bootstrap
) -> DatasetReport:
    """All figures of one data set."""
    categories = counted(pictures)
    pooled = [category for samples in categories for category in samples]
    several = len(pooled) > len(pictures)
    return DatasetReport(
        name=name,
        images=len(pictures),
        n=len(pooled),
        scores=_scores(compute_metrics(pooled), _intervals([categories], bootstrap)),
        shares=_shares(pictures, len(pooled)),
        best_of=tuple(
            BestOfPoint(k=point.k, specificity=point.specificity, correctness=point.correctness, hm=point.hm)
            for point in (best_of_curve(categories) if several else [])
        ),
        conti=None if conti is None else _conti(conti),
        confusions=worst_confusions(pictures),
    )


def report_average(
    group: Group,
    reports: Mapping[str, DatasetReport],
    pictures: Mapping[str, Sequence[Picture]],
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
        scores=_average_scores(group, pictures, bootstrap) if whole else None,
        best_of=_average_curve(parts) if whole else (),
        conti=_average_conti(parts) if whole else None,
    )


def _average_scores(group: Group, pictures: Mapping[str, Sequence[Picture]], bootstrap: Bootstrap) -> Scores:
    sets = [counted(pictures[name]) for name in group.datasets]
    metrics = [compute_metrics(category for samples in categories for category in samples) for categories in sets]
    return _scores(average_metrics(metrics), _intervals(sets, bootstrap))


def _average_curve(parts: Sequence[DatasetReport]) -> tuple[BestOfPoint, ...]:
    return tuple(
        BestOfPoint(
            k=points[0].k,
            specificity=fmean(point.specificity for point in points),
            correctness=fmean(point.correctness for point in points),
            hm=fmean(point.hm for point in points),
        )
        for points in zip(*(part.best_of for part in parts), strict=True)
    )


def _average_conti(parts: Sequence[DatasetReport]) -> Conti | None:
    if any(part.conti is None for part in parts):
        return None
    means: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for name in _CONTI:
        values = {part.name: getattr(part.conti, name) for part in parts}
        lacking = [dataset for dataset, value in values.items() if value is None]
        means[name] = None if lacking else fmean(values.values())
        if lacking:
            notes[name] = f"missing for {', '.join(lacking)}"
    return Conti(**means, notes=notes)


def _conti(scores: "ContiScores | Conti") -> Conti:
    return Conti(**{name: getattr(scores, name) for name in _CONTI}, notes=dict(sorted(scores.notes.items())))


def _scores(metrics: Metrics | AverageMetrics, intervals: MetricIntervals) -> Scores:
    return Scores(
        specificity=_estimate(metrics.specificity, intervals.specificity),
        correctness=_estimate(metrics.correctness, intervals.correctness),
        hm=_estimate(metrics.hm, intervals.hm),
    )


def _estimate(value: float, interval: Interval) -> Estimate:
    return Estimate(value=value, low=interval.low, high=interval.high)


def _intervals(sets: Sequence[Sequence[Sequence[Category]]], bootstrap: Bootstrap) -> MetricIntervals:
    return bootstrap_average_of_samples(sets, resamples=bootstrap.resamples, level=bootstrap.level, seed=bootstrap.seed)


def _shares(pictures: Sequence[Picture], n: int) -> dict[str, Share]:
    counts = Counter(judged.symbol for picture in pictures for judged in picture.samples)
    return {symbol: Share(count=counts[symbol], share=counts[symbol] / n) for symbol in SYMBOLS}
