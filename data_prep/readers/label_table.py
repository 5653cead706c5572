"""A table of labels: CSV (comma, semicolon, tab or bar) or JSON (lines, or one array), one picture a row."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.error import DataPrepError
from data_prep.file_names import composed
from speciarl_verl.files import csv_rows, json_lines


@dataclass(frozen=True)
class LabelTable:
    """The names of the columns; a missing `split` column means that there are no splits."""

    file: str = "file_name"
    label: str = "label"
    split: str = "split"


@dataclass(frozen=True)
class LabelRow:
    """One picture of a table; `place` is its file and line."""

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
    records: Iterator[tuple[int, dict[str, Any]]]
    if path.suffix.lower() not in (".jsonl", ".ndjson", ".json"):
        records = csv_rows(text, path)
    elif text.lstrip().startswith("["):
        records = _json_array(path, text)
    else:
        records = json_lines(text, path)
    rows = [_row(f"{path}:{number}", record, columns) for number, record in records]
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


def _row(place: str, record: dict[str, Any], columns: LabelTable) -> LabelRow:
    record = {name.strip(): value for name, value in record.items()}
    for name in (columns.file, columns.label):
        if name not in record:
            held = ", ".join(record)
            raise DataPrepError(f"{place}: no column {name!r} (it has {held}): name it with a flag")
    file_name = composed(_cell(place, record, columns.file).replace("\\", "/"))
    label = composed(_cell(place, record, columns.label))
    if not file_name or not label:
        raise DataPrepError(f"{place}: has no {'label' if file_name else 'file name'}: fill it in")
    return LabelRow(file_name, label, split=_cell(place, record, columns.split) or None, place=place)


def _cell(place: str, record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    if isinstance(value, (list, dict, bool)):
        raise DataPrepError(f"{place}: {name} is {json.dumps(value)[:60]}: write one text")
    return "" if value is None else str(value).strip()


def _json_array(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataPrepError(f"{path}: not JSON ({error}): mend it") from error
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataPrepError(f"{path}: record {number}: not a JSON object: write one object a picture")
        yield number, record
