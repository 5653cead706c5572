import csv

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.files import csv_rows, json_lines, read_text, whole_file, write_text


def test_write_text_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "one")
    write_text(path, "zwei über\u2028")
    assert path.read_text(encoding="utf-8") == "zwei über\u2028"
    assert list(path.parent.iterdir()) == [path]


def fail_midway(path):
    with whole_file(path) as partial:
        partial.write_text("half", encoding="utf-8")
        raise ZeroDivisionError


def test_whole_file_failure_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError):
        fail_midway(path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_whole_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(InputError, match=r"file/a\.txt: cannot be written: File exists"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_read_text_takes_a_byte_order_mark_off(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfrobin")
    assert read_text(tmp_path / "a.txt") == "robin"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(None, ": cannot be read: No such file", id="absent"),
        pytest.param(b"a\n\xe9", ":2: not UTF-8", id="latin"),
    ],
)
def test_read_text_fault_names_the_file(tmp_path, data, fault):
    if data is not None:
        (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match=rf"a\.txt{fault}"):
        read_text(tmp_path / "a.txt")


def test_json_lines_are_split_at_line_feeds_only_and_blank_ones_passed_over():
    text = '{"a": "x\u2028y\u0085z"}\r\n\n  \n{"a": 2}'
    assert list(json_lines(text, "f")) == [(1, {"a": "x\u2028y\u0085z"}), (4, {"a": 2})]


@pytest.mark.parametrize(
    ("line", "fault"), [pytest.param("{", "not JSON", id="torn"), pytest.param("[1]", "a list", id="list")]
)
def test_json_lines_fault_names_the_line(line, fault):
    with pytest.raises(InputError, match=f"f:2: {fault}"):
        list(json_lines("{}\n" + line, "f"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("said", [False, True])
def test_csv_rows_of_any_delimiter_are_numbered_by_their_lines(delimiter, said):
    lines = ["name,label", '"a,;|\tb",x', "", '"c', 'd",y']
    text = "\n".join(line if '"' in line and line.count('"') > 1 else line.replace(",", delimiter) for line in lines)
    text = text.replace('",x', f'"{delimiter}x').replace('",y', f'"{delimiter}y')
    rows = list(csv_rows(f"sep={delimiter}\n{text}" if said else text, "a.csv"))
    assert [row for _, row in rows] == [{"name": "a,;|\tb", "label": "x"}, {"name": "c\nd", "label": "y"}]
    assert [number for number, _ in rows] == ([3, 5] if said else [2, 4])


def test_csv_rows_take_fields_of_any_length_and_leave_the_limit_of_the_process_alone():
    limit = csv.field_size_limit()
    assert [len(row["b"]) for _, row in csv_rows(f"a,b\n1,{'x' * 144_000}\n", "a.csv")] == [144_000]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a\n1,2\n", "a.csv:1: two columns"),
        ("a,b\n1\n", "a.csv:2: 1 fields under a header of 2"),
        ('a,b\n1,"2\n', "a.csv:2: not CSV"),
    ],
)
def test_csv_rows_malformed_table_is_named(text, message):
    with pytest.raises(InputError, match=message):
        list(csv_rows(text, "a.csv"))


def test_csv_rows_of_nothing_are_none():
    assert list(csv_rows("", "a.csv")) == list(csv_rows("a,b", "a.csv")) == []
