"""A comparison as one Markdown page and one LaTeX file."""

from collections.abc import Sequence

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.comparison import Comparison, PairReport
from speciarl_verl.evaluation.report.latex import latex_table
from speciarl_verl.evaluation.report.markdown import markdown_table
from speciarl_verl.evaluation.report.tables import (
    Cell,
    Column,
    PValue,
    Table,
    TableRow,
    conti_table,
    published_table,
    result_tables,
    share_table,
)
from speciarl_verl.evaluation.report.text import latex_page, markdown_plots, markdown_warnings

_READING = (
    "## How to read the tests\n\n"
    "Both tests are paired: every run on the same pictures. McNemar's counts the pictures that only one of two runs "
    "gets right; it needs one sample a picture. The difference of HM is that of the second run over the first, with "
    "pictures resampled. p is two-sided and not corrected for the number of tests.\n"
)


def markdown_comparison(comparison: Comparison, plots: Sequence[str]) -> str:
    """The whole page; `plots` are paths relative to it."""
    parts = ["# Comparison\n", *markdown_warnings(comparison.notes)]
    parts += [markdown_table(table) for table in _tables(comparison)]
    return "\n".join([*parts, _READING, markdown_plots(plots)])


def latex_comparison(comparison: Comparison) -> str:
    """All tables; the notes stand above them as comments."""
    return latex_page("Comparison", comparison.notes, map(latex_table, _tables(comparison)))


def _tables(comparison: Comparison) -> list[Table]:
    tables = list(result_tables(comparison.reports))
    if not any(row.published for table in tables for row in table.rows):
        tables.append(published_table())
    tables += [_pair_table(comparison.pairs), share_table(comparison.reports)]
    conti = conti_table(comparison.reports)
    return [*tables, conti] if conti else tables


def _pair_table(pairs: Sequence[PairReport]) -> Table:
    columns = (
        Column("", ("pictures",)),
        Column("McNemar", ("only first", "only second", "p")),
        Column("HM, second less first", ("difference", "p")),
    )
    rows = tuple(
        TableRow(f"{dataset_title(pair.dataset)}: {pair.first} / {pair.second}", _cells(pair)) for pair in pairs
    )
    return Table("paired", "Paired tests", "data set: first / second", columns, rows)


def _cells(pair: PairReport) -> tuple[Cell, ...]:
    test = pair.mcnemar
    of_test: tuple[Cell, ...] = (test.only_first, test.only_second, PValue(test.p_value)) if test else (None,) * 3
    return (pair.images, *of_test, pair.hm.difference, PValue(pair.hm.p_value))
