r"""Tables in LaTeX with booktabs, three decimals; `\input` the file and give `\usepackage{booktabs}`."""

from itertools import groupby

from speciarl_verl.evaluation.report.escape import for_latex
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.evaluation.report.tables import Cell, PValue, Table, TableRow
from speciarl_verl.evaluation.statistics.intervals import Estimate

MISSING = "--"
_SHORT = {"specificity": "Spec.", "correctness": "Corr."}


def latex_table(table: Table) -> str:
    """A `table*` with its caption and label."""
    lines = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{for_latex(table.title)}}}",
        rf"\label{{tab:speciarl-{table.name}}}",
        rf"\begin{{tabular}}{{l{''.join('r' * len(column.parts) for column in table.columns)}}}",
        r"\toprule",
        *_headings(table),
    ]
    for is_published, rows in groupby(table.rows, key=lambda row: row.published):
        lines.append(r"\midrule")
        if is_published:
            lines.append(_published_heading(table))
        lines += [_row(row) for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""])


def _headings(table: Table) -> list[str]:
    titles, rules, first = [""], [], 2
    for column in table.columns:
        width = len(column.parts)
        titles.append(rf"\multicolumn{{{width}}}{{c}}{{{for_latex(column.title)}}}")
        if column.title:
            rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    parts = [_SHORT.get(part, part) for column in table.columns for part in column.parts]
    return [_line(titles), "".join(rules), _line([for_latex(table.first), *map(for_latex, parts)])]


def _published_heading(table: Table) -> str:
    width = 1 + sum(len(column.parts) for column in table.columns)
    words = f"Published, not measured here: {published().source}"
    return _line([rf"\multicolumn{{{width}}}{{l}}{{\emph{{{for_latex(words)}}}}}"])


def _row(row: TableRow) -> str:
    label = for_latex(row.label)
    return _line([rf"\emph{{{label}}}" if row.published else label, *map(_cell, row.cells)])


def _cell(cell: Cell) -> str:
    if cell is None:
        return MISSING
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, PValue) and cell.value < 0.001:
        return "$<$0.001"
    return f"{cell.value if isinstance(cell, (Estimate, PValue)) else cell:.3f}"


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
