"""Tables of pairs, JSONL or CSV: read whole, with the place of every row, and written back with what the judge said."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from speciarl_verl.errors import InputError
from speciarl_verl.files import csv_rows, json_lines
from speciarl_verl.judge.protocol import Pair, Verdict

VERDICT_COLUMNS = ("category", "source", "confidence", "agreement")


class TableFormat(str, Enum):
    """How the rows are written."""

    JSONL = "jsonl"
    CSV = "csv"

    @property
    def endings(self) -> tuple[str, ...]:
        """What names of such files end in."""
        return (".jsonl",) if self is TableFormat.JSONL else (".csv", ".tsv")

    @classmethod
    def of(cls, path: Path) -> "TableFormat":
        """By the end of the name.

        Raises:
            InputError: the name ends in neither.
        """
        for table_format in cls:
            if path.suffix.lower() in table_format.endings:
                return table_format
        raise InputError(f"{path}: neither .jsonl nor .csv; say which it is with --format")


@dataclass(frozen=True)
class Columns:
    """Where a pair stands in a row, and what the new columns begin with."""

    prediction: str = "prediction"
    ground_truth: str = "ground_truth"
    prefix: str = ""

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that hold the verdict."""
        return tuple(f"{self.prefix}{name}" for name in VERDICT_COLUMNS)


@dataclass(frozen=True)
class Row:
    """One row: all its columns as they were read, and the pair in it."""

    values: Mapping[str, Any]
    pair: Pair


def read_rows(text: str, table_format: TableFormat, columns: Columns, name: str) -> list[Row]:
    """Read a table.

    Args:
        name: of the file, for messages.

    Raises:
        InputError: there are no rows, or one is malformed: `name:line: fault; cure`.
    """
    parse: Callable[[str, object], Iterator[tuple[int, Mapping[str, Any]]]]
    parse = json_lines if table_format is TableFormat.JSONL else csv_rows
    rows = [_row(values, columns, f"{name}:{line}") for line, values in parse(text, name)]
    if not rows:
        raise InputError(f"{name}: holds no rows")
    return rows


def write_rows(
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
    table_format: TableFormat,
    columns: Columns,
    delimiter: str = ",",
) -> str:
    """The table with the verdict in new columns behind the others; what a judge does not give is null, or empty.

    Args:
        delimiter: of a CSV.
    """
    table = [
        {**row.values, **dict(zip(columns.added, _cells(verdict), strict=True))}
        for row, verdict in zip(rows, verdicts, strict=True)
    ]
    if table_format is TableFormat.JSONL:
        return "".join(_json(values) + "\n" for values in table)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(table[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def _json(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair came in as an escape and can only leave as one.
        return json.dumps(values)
    return text


def _row(values: Mapping[str, Any], columns: Columns, place: str) -> Row:
    for column, flag in (
        (columns.prediction, "--prediction-column"),
        (columns.ground_truth, "--ground-truth-column"),
    ):
        if column not in values:
            raise InputError(f"{place}: no column {column!r}; name the right one with {flag}")
        if not isinstance(values[column], str):
            raise InputError(f"{place}: {column} is {json.dumps(values[column])[:40]}; it must be text")
    taken = [column for column in columns.added if column in values]
    if taken:
        raise InputError(
            f"{place}: there is a column {taken[0]!r} already; give the new ones a --prefix, such as judge_"
        )
    if not values[columns.ground_truth].strip():
        raise InputError(f"{place}: {columns.ground_truth} is empty; every pair needs its label")
    return Row(values, Pair(prediction=values[columns.prediction], ground_truth=values[columns.ground_truth]))


def _cells(verdict: Verdict) -> tuple[str | float | None, ...]:
    return verdict.category.symbol, verdict.source.value, verdict.confidence, verdict.agreement
