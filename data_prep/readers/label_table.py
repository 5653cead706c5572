"""A table of labels: CSV (comma, semicolon, tab or bar) or JSON (lines, or one array), one picture a row."""

import codecs
import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError
from data_prep.file_names import composed


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
    """Read a `.csv` or `.tsv`, or a `.json` or `.jsonl`.

    Raises:
        DataPrepError: the file is missing, not text, not of its format, or a row lacks a file name or a label.
    """
    text = _text(path)
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        records = _json_array(path, text) if text.lstrip().startswith("[") else _json_lines(path, text)
    else:
        records = _csv(path, text)
    rows = [_row(path, place, record, columns) for place, record in records]
    if not rows:
        raise DataPrepError(f"{path}: is empty: write one row a picture")
    return rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        # Excel's "Unicode text" is UTF-16 with a mark at its beginning.
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataPrepError(f"{path}: not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise DataPrepError(f"{path}: cannot be read ({error.strerror}): give a CSV or JSONL of labels") from error


def _row(path: Path, place: str, record: dict[str, Any], columns: LabelTable) -> LabelRow:
    for name in (columns.file, columns.label):
        if name not in record:
            held = ", ".join(map(str, record))
            raise DataPrepError(f"{path}: {place}: no column {name!r} (it has {held}): name it with a flag")
    file_name, label, split = (
        _cell(path, place, record, name) for name in (columns.file, columns.label, columns.split)
    )
    if not file_name or not label:
        raise DataPrepError(f"{path}: {place}: has no {'label' if file_name else 'file name'}: fill it in")
    return LabelRow(
        file_name=composed(file_name.replace("\\", "/")), label=composed(label), split=split or None, place=place
    )


def _cell(path: Path, place: str, record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if isinstance(value, (list, dict, bool)):
        raise DataPrepError(f"{path}: {place}: {name} is {json.dumps(value)[:60]}: write one text")
    return "" if value is None else str(value).strip()


def _csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    skipped = 0
    if text[:4].lower() == "sep=":
        # Excel's own first line; the delimiter stands there.
        text, skipped = text.partition("\n")[2], 1
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    # The limit is the process's: a field may hold anything that the file does.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [name.strip() for name in next(reader, [])]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise DataPrepError(f"{path}: has two columns named {twice!r}: rename one")
        for cells in reader:
            place = f"line {reader.line_num + skipped}"
            if cells and len(cells) != len(names):
                raise DataPrepError(f"{path}: {place}: another number of columns than the head: mend it")
            if cells:
                yield place, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise DataPrepError(f"{path}: line {reader.line_num + skipped}: not CSV ({error}): mend it") from error
    finally:
        csv.field_size_limit(limit)


def _json_array(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataPrepError(f"{path}: line {error.lineno}: not JSON ({error.msg}): mend it") from error
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataPrepError(f"{path}: record {number}: not a JSON object: write one object a picture")
        yield f"record {number}", record


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
