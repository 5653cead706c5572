"""Runs side by side, on the pictures that all of them have.

Every figure is computed anew from those pictures, so that a difference is one of the models and not of their data.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.contents import ComparedRun, Comparison, PairReport, Report
from speciarl_verl.evaluation.report.grouping import JudgedPicture, common_pictures, counted, group_by_dataset
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.evaluation.statistics.paired import McNemar, mcnemar, paired_bootstrap_hm


def compare_runs(runs: Sequence[ComparedRun], *, seed: int = 0) -> Comparison:
    """Compare runs.

    Raises:
        EvaluationError: there are fewer than two; no picture is in all of them; a picture's ground truth differs; or a
            run is not whole.
    """
    if len(runs) < 2:
        raise EvaluationError("a comparison needs two runs or more")
    names = _distinct_names([run.report.name for run in runs])
    grouped = [group_by_dataset(run.judged, run.report.run.settings.samples) for run in runs]
    shared = common_pictures(grouped)
    if not shared[0]:
        raise EvaluationError(f"{' and '.join(names)} have no picture in common: evaluate them on the same data")
    _check_truths(names, shared)
    reports = tuple(
        _report(run, name, pictures, whole, seed)
        for run, name, pictures, whole in zip(runs, names, shared, grouped, strict=True)
    )
    return Comparison(
        notes=(
            *_judge_notes(reports),
            *(f"{report.name}: {warning}" for report in reports for warning in report.warnings),
            *_data_notes(names, grouped, shared[0]),
        ),
        reports=reports,
        pairs=tuple(
            _pair(names[first], names[second], dataset, shared[first][dataset], shared[second][dataset], seed)
            for dataset in shared[0]
            for first, second in combinations(range(len(runs)), 2)
        ),
        published=published(),
    )


def _distinct_names(names: Sequence[str]) -> list[str]:
    """Equal names get their place behind them."""
    return [f"{name} ({place})" if names.count(name) > 1 else name for place, name in enumerate(names, start=1)]


def _check_truths(names: Sequence[str], shared: Sequence[Mapping[str, Sequence[JudgedPicture]]]) -> None:
    for name, pictures in zip(names[1:], shared[1:], strict=True):
        for dataset, expected in shared[0].items():
            for one, other in zip(expected, pictures[dataset], strict=True):
                if one.ground_truth != other.ground_truth:
                    raise EvaluationError(
                        f"{dataset}/{one.image} is {one.ground_truth!r} in {names[0]} and {other.ground_truth!r} in "
                        f"{name}: evaluate both on the same data"
                    )


def _report(
    run: ComparedRun,
    name: str,
    shared: Mapping[str, Sequence[JudgedPicture]],
    whole: Mapping[str, Sequence[JudgedPicture]],
    seed: int,
) -> Report:
    judged = [one for pictures in shared.values() for picture in pictures for one in picture.samples]
    # The scores of Conti et al. were computed on all pictures: they hold only where all of them are common.
    conti = {
        dataset.name: dataset.conti
        for dataset in run.report.datasets
        if dataset.conti and len(shared.get(dataset.name, ())) == len(whole.get(dataset.name, ()))
    }
    return build_report(judged, name=name, run=run.report.run, judge=run.report.judge, conti=conti, seed=seed)


def _pair(
    first: str, second: str, dataset: str, ones: Sequence[JudgedPicture], others: Sequence[JudgedPicture], seed: int
) -> PairReport:
    return PairReport(
        first=first,
        second=second,
        dataset=dataset,
        images=len(ones),
        mcnemar=_mcnemar(ones, others),
        hm=paired_bootstrap_hm(counted(ones), counted(others), seed=seed),
    )


def _mcnemar(ones: Sequence[JudgedPicture], others: Sequence[JudgedPicture]) -> McNemar | None:
    if len(ones[0].samples) > 1 or len(others[0].samples) > 1:
        return None
    return mcnemar(*([picture.counted[0].is_correct for picture in pictures] for pictures in (ones, others)))


def _judge_notes(reports: Sequence[Report]) -> list[str]:
    if len({report.judge.described for report in reports}) == 1:
        return []
    named = "; ".join(f"{report.name} by {report.judge.described}" for report in reports)
    return [f"The runs were judged differently, so their figures do not compare: {named}. Judge all of them alike."]


def _data_notes(
    names: Sequence[str],
    grouped: Sequence[Mapping[str, Sequence[JudgedPicture]]],
    common: Mapping[str, Sequence[JudgedPicture]],
) -> list[str]:
    notes = []
    for dataset in dict.fromkeys(dataset for pictures in grouped for dataset in pictures):
        sizes = {name: len(pictures.get(dataset, ())) for name, pictures in zip(names, grouped, strict=True)}
        held = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        shared = len(common.get(dataset, ()))
        if not shared:
            notes.append(f"{dataset} is left out: no picture is in all runs ({held}).")
        elif any(size != shared for size in sizes.values()):
            notes.append(f"{dataset}: only the {shared:,} pictures that are in all runs are compared ({held}).")
    return notes
