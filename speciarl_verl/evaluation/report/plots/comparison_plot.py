"""Scatter of several runs: a colour a run, a marker a data set or mean."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from speciarl_verl.evaluation.report.benchmarks import FINE_GRAINED, VERY_FINE_GRAINED, dataset_title
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.evaluation.report.escape import for_plot
from speciarl_verl.evaluation.report.plots.canvas import INK, series_colour, series_marker
from speciarl_verl.evaluation.report.plots.tradeoff_plot import COLOUR_ONLY, MEAN_MARKERS, Key, Point, draw_tradeoff
from speciarl_verl.evaluation.statistics.intervals import Scores

_GROUPS = (FINE_GRAINED, VERY_FINE_GRAINED)


def draw_comparison(reports: Sequence[Report]) -> Figure:
    """The means where all of a group's data sets were evaluated, and the data sets that are in no such mean.

    Args:
        reports: over the same pictures, so with the same data sets and means.
    """
    markers = _markers(reports[0])
    points = [
        Point(_scores(report)[name], series_colour(number), marker)
        for number, report in enumerate(reports)
        for name, marker in markers.items()
    ]
    keys = [Key(for_plot(report.name, 30), series_colour(number), COLOUR_ONLY) for number, report in enumerate(reports)]
    keys += [Key(for_plot(_title(name), 30), INK, marker) for name, marker in markers.items()]
    shared = not {dataset.name for dataset in reports[0].datasets}.isdisjoint(FINE_GRAINED.datasets)
    return draw_tradeoff(points, keys, title="Comparison on the same pictures", with_published=shared)


def _markers(report: Report) -> dict[str, str]:
    means = {average.name for average in report.averages if average.scores}
    groups = [group for group in _GROUPS if group.name in means]
    covered = {dataset for group in groups for dataset in group.datasets}
    others = [dataset.name for dataset in report.datasets if dataset.name not in covered]
    return {group.name: MEAN_MARKERS[group.name] for group in groups} | {
        name: series_marker(number) for number, name in enumerate(others)
    }


def _scores(report: Report) -> dict[str, Scores]:
    scores = {average.name: average.scores for average in report.averages if average.scores}
    return {dataset.name: dataset.scores for dataset in report.datasets} | scores


def _title(name: str) -> str:
    titles = {group.name: f"mean, {group.title}" for group in _GROUPS}
    return titles.get(name, dataset_title(name))
