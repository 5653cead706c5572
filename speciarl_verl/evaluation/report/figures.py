"""The figures of one data set, and of a group of them, from their pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from speciarl_verl.evaluation.conti.four_scores import SCORES, ContiScores
from speciarl_verl.evaluation.records import OUTCOMES
from speciarl_verl.evaluation.report.benchmarks import Group
from speciarl_verl.evaluation.report.confusions import worst_confusions
from speciarl_verl.evaluation.report.contents import AverageReport, Bootstrap, DatasetReport, OutcomeShare
from speciarl_verl.evaluation.report.grouping import JudgedPicture, counted
from speciarl_verl.evaluation.statistics.best_of import BestOf, best_of_curve
from speciarl_verl.evaluation.statistics.intervals import Scores, estimate_scores
from speciarl_verl.method.category import Category

SYMBOLS = tuple(OUTCOMES)
"""The eight outcomes of a sample, in the order of tables and plots."""


def report_dataset(
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


def report_average(
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
    return {symbol: OutcomeShare(count=counts[symbol], share=counts[symbol] / n) for symbol in SYMBOLS}
