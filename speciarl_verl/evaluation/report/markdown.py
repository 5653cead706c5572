"""Tables in Markdown, three decimals, with their intervals."""

from collections.abc import Sequence

from speciarl_verl.evaluation.report.escape import for_markdown
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.evaluation.report.tables import Cell, PValue, Table, TableRow
from speciarl_verl.evaluation.statistics.intervals import Estimate

MISSING = "-"


def markdown_table(table: Table) -> str:
    """A heading, the table, and what it takes to read it."""
    headings = [_heading(column.title, part) for column in table.columns for part in column.parts]
    lines = [_line([for_markdown(table.first), *headings]), _line(["---"] + ["---:"] * len(headings))]
    lines += [_line([_label(row), *map(_cell, row.cells)]) for row in table.rows]
    text = f"## {for_markdown(table.title)}\n\n" + "\n".join(lines) + "\n"
    if any(row.published for row in table.rows):
        text += f"\n*published*: the figures of {published().source} ({published().setting}), not measured here.\n"
    return text


def markdown_lines(items: Sequence[tuple[str, str]]) -> str:
    """Names and values, one list item each."""
    return "".join(f"- {for_markdown(name)}: {for_markdown(value)}\n" for name, value in items)


def _heading(title: str, part: str) -> str:
    return f"{for_markdown(title)}<br>{for_markdown(part)}" if title else for_markdown(part)


def _label(row: TableRow) -> str:
    return f"*published*: {for_markdown(row.label)}" if row.published else for_markdown(row.label)


def _cell(cell: Cell) -> str:
    if cell is None:
        return MISSING
    if isinstance(cell, Estimate):
        return f"{cell.value:.3f}<br>[{cell.low:.3f}, {cell.high:.3f}]"
    if isinstance(cell, PValue):
        return r"\<0.001" if cell.value < 0.001 else f"{cell.value:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.3f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
