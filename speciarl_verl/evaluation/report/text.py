"""A report, and a comparison of reports, as one Markdown page and one LaTeX file."""

from collections.abc import Iterable, Sequence

from speciarl_verl.evaluation.report.benchmarks import dataset_title
from speciarl_verl.evaluation.report.contents import AverageReport, Comparison, DatasetReport, PairReport, Report
from speciarl_verl.evaluation.report.escape import for_markdown, printable, shortened
from speciarl_verl.evaluation.report.latex import latex_table
from speciarl_verl.evaluation.report.markdown import MISSING, markdown_lines, markdown_table
from speciarl_verl.evaluation.report.tables import (
    Cell,
    Column,
    PValue,
    Table,
    TableRow,
    best_of_table,
    conti_table,
    published_table,
    result_tables,
    share_table,
)
from speciarl_verl.evaluation.run import EngineKind

_CLASSES = 10
_ANSWER_WIDTH = 60
_READING_TESTS = (
    "## How to read the tests\n\n"
    "Both tests are paired: every run on the same pictures. McNemar's counts the pictures that only one of two runs "
    "gets right; it needs one sample a picture. The difference of HM is that of the second run over the first, with "
    "pictures resampled. p is two-sided and not corrected for the number of tests.\n"
)


def markdown_report(report: Report, plots: Sequence[str]) -> str:
    """The whole page.

    Args:
        plots: paths of the pictures, relative to the page.
    """
    parts = [
        f"# {for_markdown(report.name)}\n",
        *_markdown_warnings(report.warnings),
        markdown_lines(_about(report)),
    ]
    parts += [markdown_table(table) for table in _tables(report)]
    parts += [_reading(report), *_conti_notes(report)]
    parts += [_confused(dataset) for dataset in report.datasets if dataset.confusions]
    return "\n".join([*parts, _markdown_plots(plots)])


def latex_report(report: Report) -> str:
    """All tables; the warnings stand above them as comments."""
    return _latex_page(report.name, report.warnings, map(latex_table, _tables(report)))


def markdown_comparison(comparison: Comparison, plots: Sequence[str]) -> str:
    """The whole page; `plots` are paths relative to it."""
    parts = ["# Comparison\n", *_markdown_warnings(comparison.notes)]
    parts += [markdown_table(table) for table in _comparison_tables(comparison)]
    return "\n".join([*parts, _READING_TESTS, _markdown_plots(plots)])


def latex_comparison(comparison: Comparison) -> str:
    """All tables; the notes stand above them as comments."""
    return _latex_page("Comparison", comparison.notes, map(latex_table, _comparison_tables(comparison)))


def _latex_page(title: str, warnings: Iterable[str], tables: Iterable[str]) -> str:
    """Tables under a head of comments."""
    comments = [title, "needs \\usepackage{booktabs}", *(f"Warning: {warning}" for warning in warnings)]
    return "\n".join(["".join(f"% {printable(comment)}\n" for comment in comments), *tables])


def _markdown_warnings(warnings: Iterable[str]) -> list[str]:
    """Each a quoted paragraph that nobody overlooks."""
    return [f"> **Warning.** {for_markdown(warning)}\n" for warning in warnings]


def _markdown_plots(plots: Iterable[str]) -> str:
    """The PNG files among them, one below the other."""
    return "## Plots\n\n" + "\n\n".join(f"![{path}]({path})" for path in plots if path.endswith(".png")) + "\n"


def _tables(report: Report) -> list[Table]:
    reports = (report,)
    found = [*result_tables(reports), share_table(reports), best_of_table(report), conti_table(reports)]
    return [table for table in found if table is not None]


def _comparison_tables(comparison: Comparison) -> list[Table]:
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


def _about(report: Report) -> list[tuple[str, str]]:
    run, settings, judge = report.run, report.run.settings, report.judge
    drawn = "greedy" if settings.temperature == 0 else f"temperature {settings.temperature}, top-p {settings.top_p}"
    made_here = settings.engine is not EngineKind.FILE
    sources = ", ".join(f"{source} {count:,}" for source, count in judge.sources.items())
    items = [
        ("model", settings.model or "unknown"),
        ("adapter", settings.adapter),
        ("prompt", settings.prompt),
        ("samples", f"{settings.samples} a picture{f', {drawn}' if made_here else ''}"),
        ("data", ", ".join(data.path for data in run.data)),
        ("judge", judge.described),
        ("verdicts by", sources),
        ("judge of the training", run.training_judge or "not known"),
        ("made", run.created),
        ("predicted by", settings.engine.value),
        ("versions", ", ".join(f"{name} {number}" for name, number in run.versions.items())),
    ]
    return [(name, value) for name, value in items if value]


def _reading(report: Report) -> str:
    bootstrap = report.bootstrap
    text = (
        "## How to read this\n\nUnparseable and failed samples count as wrong, and are in every denominator. In "
        f"brackets: {bootstrap.level:.0%} bootstrap intervals over pictures ({bootstrap.resamples:,} resamples, seed "
        f"{bootstrap.seed}). A mean gives every data set the same weight. {MISSING!r} is a figure that is not known.\n"
    )
    return text + "".join(_absence(average) for average in report.averages if average.n and average.missing)


def _absence(average: AverageReport) -> str:
    names = ", ".join(dataset_title(name) for name in average.missing)
    return f"\nThere is no mean, {average.title}, without {names}.\n"


def _conti_notes(report: Report) -> list[str]:
    notes = [
        (f"{dataset_title(dataset.name)}, {name.replace('_', ' ')}", note)
        for dataset in report.datasets
        if dataset.conti
        for name, note in dataset.conti.notes.items()
    ]
    return ["Of the protocol of Conti et al.:\n\n" + markdown_lines(notes)] if notes else []


def _confused(dataset: DatasetReport) -> str:
    lines = [
        f"## Worst confusions: {for_markdown(dataset_title(dataset.name))}\n",
        "| ground truth | wrong | of | most common wrong answers |",
        "| --- | ---: | ---: | --- |",
    ]
    for confused in dataset.confusions[:_CLASSES]:
        answers = ", ".join(
            f"{for_markdown(shortened(wrong.answer, _ANSWER_WIDTH))} ({wrong.count:,})" for wrong in confused.answers
        )
        truth = for_markdown(shortened(confused.ground_truth, _ANSWER_WIDTH))
        lines.append(f"| {truth} | {confused.wrong:,} | {confused.n:,} | {answers} |")
    return "\n".join(lines) + "\n"
