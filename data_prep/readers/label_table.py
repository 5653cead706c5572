"""A table of labels: CSV (comma, semicolon or tab) or JSON lines, one picture a row."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError
from data_prep.readers.picture_files import composed


@dataclass(frozen=True)
class LabelTable:
    """The names of the columns; a missing `split` column means that there are no splits."""

    file: str = "file_name"
    label: str = "label"
    split: str = "split"


@dataclass(frozen=True)
class LabelRow:
    """One picture of a table; `place` is where it stands there."""

    file_name: str
    label: str
    split: str | None
    place: str


def read_label_table(path: Path, columns: LabelTable) -> list[LabelRow]:
    """Read a `.csv`, `.tsv`, `.jsonl` or `.json` lines file.

    Raises:
        DataPrepError: the file is missing, not UTF-8, not of its format, or a row lacks a file name or a label.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataPrepError(f"{path}: not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise DataPrepError(f"{path}: cannot be read ({error.strerror}): give a CSV or JSONL of labels") from error
    records = _json_lines(path, text) if path.suffix.lower() in (".jsonl", ".json") else _csv(path, text)
    rows = [_row(path, place, record, columns) for place, record in records]
    if not rows:
        raise DataPrepError(f"{path}: is empty: write one row a picture")
    return rows


def _row(path: Path, place: str, record: dict[str, Any], columns: LabelTable) -> LabelRow:
    for name in (columns.file, columns.label):
        if name not in record:
            held = ", ".join(map(str, record))
            raise DataPrepError(f"{path}: {place}: no column {name!r} (it has {held}): name it with a flag")
    file_name = composed(str(record[columns.file] or "").strip().replace("\\", "/"))
    label = composed(str(record[columns.label] or "").strip())
    if not file_name or not label:
        raise DataPrepError(f"{path}: {place}: has no {'label' if file_name else 'file name'}: fill it in")
    split = record.get(columns.split)
    return LabelRow(file_name=file_name, label=label, split=str(split).strip() if split else None, place=place)


def _csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if None in record or None in record.values():
                raise DataPrepError(f"{path}: line {reader.line_num}: another number of columns than the head: mend it")
            yield f"line {reader.line_num}", record
    except csv.Error as error:
        raise DataPrepError(f"{path}: line {reader.line_num}: not CSV ({error}): mend it") from error


def _json_lines(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataPrepError(f"{path}: line {number}: not JSON ({error.msg}): write one object a line") from error
        if not isinstance(record, dict):
            raise DataPrepError(f"{path}: line {number}: not a JSON object: write one object a line")
        yield f"line {number}", record
