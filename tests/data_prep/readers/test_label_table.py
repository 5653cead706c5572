"""Tables of labels as programs write them."""

import json
from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.readers.label_table import LabelTable, read_label_table
from speciarl_verl.errors import InputError


def _read(path: Path, content: str | bytes) -> list[tuple[str, str, str | None]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(row.file_name, row.label, row.split) for row in read_label_table(path, LabelTable())]


def test_d8_long_field_is_read(tmp_path: Path) -> None:
    note = "x" * 144_000
    rows = _read(tmp_path / "a.csv", f'file_name,label,note\n1.jpg,robin,"{note}"\n2.jpg,{note},\n')
    assert rows == [("1.jpg", "robin", None), ("2.jpg", note, None)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", "file_name,label,split\na.jpg,x,train\n\nb.jpg,y,\n", id="comma"),
        pytest.param("a.csv", "file_name;label;split\r\na.jpg;x;train\r\nb.jpg;y;\r\n", id="semicolon"),
        pytest.param("a.tsv", "\ufefffile_name\tlabel\tsplit\na.jpg\tx\ttrain\nb.jpg\ty\t\n", id="tab-and-mark"),
        pytest.param("a.csv", "file_name|label|split\na.jpg|x|train\nb.jpg|y|\n", id="bar"),
        pytest.param("a.csv", "sep=;\nfile_name;label;split\na.jpg;x;train\nb.jpg;y;\n", id="excel-says-its-delimiter"),
        pytest.param("a.csv", " file_name , label,split\n a.jpg , x ,train\nb.jpg,y,\n", id="spaces"),
        pytest.param("a.csv", "file_name\tlabel\tsplit\na.jpg\tx\ttrain\nb.jpg\ty\t\n".encode("utf-16"), id="utf-16"),
        pytest.param(
            "a.json",
            json.dumps([{"file_name": "a.jpg", "label": "x", "split": "train"}, {"file_name": "b.jpg", "label": "y"}]),
            id="json-array",
        ),
        pytest.param(
            "a.jsonl",
            '{"file_name": "a.jpg", "label": "x", "split": "train"}\n\n{"file_name": "b.jpg", "label": "y"}\n',
            id="json-lines",
        ),
    ],
)
def test_tables_of_many_programs_are_read(name: str, content: str | bytes, tmp_path: Path) -> None:
    assert _read(tmp_path / name, content) == [("a.jpg", "x", "train"), ("b.jpg", "y", None)]


def test_label_zero_is_a_label(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.jsonl", '{"file_name": "a.jpg", "label": 0}') == [("a.jpg", "0", None)]


def test_line_separator_inside_of_a_label_ends_no_line(tmp_path: Path) -> None:
    rows = _read(
        tmp_path / "a.jsonl", '{"file_name": "a.jpg", "label": "x\u2028y"}\n{"file_name": "b.jpg", "label": "z"}'
    )
    assert [row[1] for row in rows] == ["x\u2028y", "z"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.csv", "file_name,label,label\na,b,c\n", "two columns", id="column-twice"),
        pytest.param("a.csv", "file_name,label\na,b,c\n", "a.csv:2: 3 fields under a header of 2", id="ragged"),
        pytest.param("a.csv", 'file_name,label\na,"b\n', "not CSV", id="quote"),
        pytest.param("a.csv", "file_name,label\n", "is empty", id="head-only"),
        pytest.param("a.csv", "", "is empty", id="empty"),
        pytest.param("a.csv", b"file_name,label\n\xe9,b\n", r"not UTF-8 text \(byte 16\)", id="latin-1"),
        pytest.param("a.json", '[{"file_name": "a", "label": "x"}, 3]', "record 2: not a JSON object", id="array"),
        pytest.param("a.json", "[{]", "a.json: not JSON", id="array-broken"),
        pytest.param("a.json", "[" * 100_000, "a.json: not JSON", id="array-deep"),
        pytest.param("a.jsonl", '{"a":' * 100_000, "a.jsonl:1: not JSON", id="lines-deep"),
        pytest.param("a.json", "[" + "1" * 5_000 + "]", "not JSON", id="number-long"),
        pytest.param("a.jsonl", "3", "a.jsonl:1: a int", id="lines"),
        pytest.param("a.jsonl", '{"file_name": "a", "label": ["x", "y"]}', "label is .* write one text", id="several"),
        pytest.param("a.jsonl", '{"file_name": "a", "label": true}', "label is true", id="truth"),
        pytest.param("a.jsonl", '{"file_name": "a", "label": null}', "has no label", id="null"),
        pytest.param("a.jsonl", '{"file_name": "", "label": "x"}', "has no file name", id="no-name"),
        pytest.param("a.jsonl", '{"file": "a", "label": "x"}', "no column 'file_name'", id="column"),
    ],
)
def test_other_table_is_refused_in_one_line(name: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path / name, content)
    assert "\n" not in str(caught.value)


def test_absent_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataPrepError, match=r"none\.csv: cannot be read"):
        read_label_table(tmp_path / "none.csv", LabelTable())
