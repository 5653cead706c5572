"""Publishers' text lists."""

from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.readers.lists import read_lines


def test_lines_have_their_fields_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbf# note\r\n1 a b\r\n\r\n2  cafe\xcc\x81 x\r\n")
    lines = read_lines(path, fields=2, comment="#")
    assert [(line.number, line.fields) for line in lines] == [(2, ("1", "a b")), (4, ("2", "café x"))]
    assert lines[0].integer(0, 1, 9, "the class") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n# x\n", "is empty"),
        (b"\xff", "not UTF-8 text"),
        (b"1\n", "line 1: has 1 of 2 fields"),
        (None, "missing"),
    ],
)
def test_list_that_is_none_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataPrepError, match=rf"a\.txt: {message}"):
        read_lines(path, fields=2, comment="#")


def test_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(DataPrepError, match="cannot be read"):
        read_lines(tmp_path)


@pytest.mark.parametrize("text", ["0", "10", "x", "-1", "٣", "1.0"])
def test_number_out_of_range_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{text} a\n", encoding="utf-8")
    (line,) = read_lines(tmp_path / "a.txt", fields=2)
    with pytest.raises(DataPrepError, match=f"line 1: the class is '{text}', not a number from 1 to 9"):
        line.integer(0, 1, 9, "the class")
