"""The tables of a report or a comparison, laid out as the paper's: methods in rows, figures of each data set across.

What a table says is decided here, how it looks in `markdown.py` and `latex.py`. Rows that the paper published carry
`published=True` and are set apart by both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from speciarl_verl.evaluation.conti.four_scores import SCORES, ContiScores
from speciarl_verl.evaluation.records import OUTCOMES
from speciarl_verl.evaluation.report.benchmarks import (
    ALL,
    FINE_GRAINED,
    VERY_FINE_GRAINED,
    Group,
    dataset_title,
    in_reading_order,
)
from speciarl_verl.evaluation.report.contents import AverageReport, DatasetReport, Report
from speciarl_verl.evaluation.report.published import PublishedRow, published
from speciarl_verl.evaluation.statistics.best_of import BestOf
from speciarl_verl.evaluation.statistics.intervals import Estimate, Scores


@dataclass(frozen=True)
class PValue:
    """A p, shown as `<0.001` where three decimals would make it 0."""

    value: float


Cell = Estimate | PValue | float | int | None
"""A figure with its interval, a p, a fraction, a count, or nothing known."""

FIGURES = ("specificity", "correctness", "HM")
CONTI = ("TI", "LI", "SS", "CS")
_ABREAST = 4
"""Data sets in one table: more do not fit a page."""


@dataclass(frozen=True)
class Column:
    """One heading over as many cells as it has parts."""

    title: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class TableRow:
    """One method, or one data set.

    Attributes:
        cells: one a part of every column.
        published: the paper's figures, not ours.
    """

    label: str
    cells: tuple[Cell, ...]
    published: bool = False


@dataclass(frozen=True)
class Table:
    """One table; `name` is fit for a LaTeX label."""

    name: str
    title: str
    first: str
    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]


def result_tables(reports: Sequence[Report]) -> tuple[Table, ...]:
    """Specificity, correctness and HM of each group of data sets of which there is one, and of all other data sets."""
    present = {dataset.name for report in reports for dataset in report.datasets}
    tables = [
        _group_table(group, reports) for group in (FINE_GRAINED, VERY_FINE_GRAINED) if present & {*group.datasets}
    ]
    if tables:
        rows = tuple(TableRow(report.name, _mean_cells(report, ALL)) for report in reports)
        tables.append(Table("all", "All five data sets", "method", _figure_columns([_mean_title(ALL)]), rows))
    others = in_reading_order(present - {*ALL.datasets})
    for start in range(0, len(others), _ABREAST):
        names = others[start : start + _ABREAST]
        rows = tuple(TableRow(report.name, _dataset_cells(report, names)) for report in reports)
        columns = _figure_columns(map(dataset_title, names))
        tables.append(Table(f"others-{start // _ABREAST + 1}", "Other data sets", "method", columns, rows))
    return tuple(tables)


def published_table() -> Table:
    """Every published row by itself, for where there is nothing of the same data to put beside it."""
    groups = (FINE_GRAINED, VERY_FINE_GRAINED)
    rows = tuple(_published_row(method, groups) for method in published().methods)
    return Table("published", "Published means", "method", _figure_columns(_mean_title(g) for g in groups), rows)


def share_table(reports: Sequence[Report]) -> Table:
    """The shares of the eight outcomes."""
    rows = tuple(
        TableRow(label, (dataset.n, *(dataset.shares[symbol].share for symbol in OUTCOMES)))
        for label, dataset in _labelled(reports)
    )
    columns = (Column("", ("n",)), Column("share of samples", tuple(OUTCOMES)))
    return Table("categories", "Categories", _first(reports), columns, rows)


def best_of_table(report: Report) -> Table | None:
    """The best of k for k = 1, 2, 4 .. and N; None for one sample a picture."""
    curves: list[tuple[str, tuple[BestOf, ...]]] = [
        (dataset_title(dataset.name), dataset.best_of) for dataset in report.datasets
    ]
    curves += [(_mean_title(average), average.best_of) for average in report.averages if average.best_of]
    size = len(curves[0][1])
    if size < 2:
        return None
    shown = sorted({2**power for power in range(size.bit_length()) if 2**power <= size} | {size})
    cells = (tuple(cell for _, curve in curves for cell in _score_cells(curve[k - 1])) for k in shown)
    rows = tuple(TableRow(str(k), part) for k, part in zip(shown, cells, strict=True))
    return Table("best-of", "Best of k samples", "k", _figure_columns(title for title, _ in curves), rows)


def conti_table(reports: Sequence[Report]) -> Table | None:
    """TI, LI, SS and CS; None where the protocol was not asked for."""
    rows = [TableRow(label, _conti_cells(dataset.conti)) for label, dataset in _labelled(reports) if dataset.conti]
    rows += [
        TableRow(_beside(reports, report, _mean_title(average)), _conti_cells(average.conti))
        for report in reports
        for average in report.averages
        if average.conti
    ]
    if not rows:
        return None
    return Table("conti", "Protocol of Conti et al.", _first(reports), (Column("score", CONTI),), tuple(rows))


def _group_table(group: Group, reports: Sequence[Report]) -> Table:
    titles = [*map(dataset_title, group.datasets), _mean_title(group)]
    rows = [
        TableRow(report.name, _dataset_cells(report, group.datasets) + _mean_cells(report, group)) for report in reports
    ]
    blank: tuple[Cell, ...] = (None,) * len(FIGURES) * len(group.datasets)
    for method in published().methods:
        row = published().find(method, group.name)
        if row is not None:
            rows.append(TableRow(method, blank + _score_cells(row), published=True))
    title = group.title[0].upper() + group.title[1:] + " data sets"
    return Table(group.name.replace("_", "-"), title, "method", _figure_columns(titles), tuple(rows))


def _published_row(method: str, groups: Sequence[Group]) -> TableRow:
    cells = (_score_cells(published().find(method, group.name)) for group in groups)
    return TableRow(method, tuple(cell for part in cells for cell in part), published=True)


def _dataset_cells(report: Report, names: Sequence[str]) -> tuple[Cell, ...]:
    scores = {dataset.name: dataset.scores for dataset in report.datasets}
    return tuple(cell for name in names for cell in _score_cells(scores.get(name)))


def _mean_cells(report: Report, group: Group) -> tuple[Cell, ...]:
    return _score_cells(next(average.scores for average in report.averages if average.name == group.name))


def _score_cells(scores: Scores | PublishedRow | BestOf | None) -> tuple[Cell, ...]:
    return (scores.specificity, scores.correctness, scores.hm) if scores else (None, None, None)


def _conti_cells(conti: ContiScores | None) -> tuple[Cell, ...]:
    return tuple(getattr(conti, name, None) for name in SCORES)


def _figure_columns(titles: Iterable[str]) -> tuple[Column, ...]:
    return tuple(Column(title, FIGURES) for title in titles)


def _mean_title(group: Group | AverageReport) -> str:
    return f"mean, {group.title}"


def _labelled(reports: Sequence[Report]) -> list[tuple[str, DatasetReport]]:
    names = in_reading_order({dataset.name for report in reports for dataset in report.datasets})
    return [
        (_beside(reports, report, dataset_title(dataset.name)), dataset)
        for name in names
        for report in reports
        for dataset in report.datasets
        if dataset.name == name
    ]


def _beside(reports: Sequence[Report], report: Report, label: str) -> str:
    return label if len(reports) == 1 else f"{label}, {report.name}"


def _first(reports: Sequence[Report]) -> str:
    return "data set" if len(reports) == 1 else "data set, method"
