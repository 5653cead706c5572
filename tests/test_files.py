import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.files import json_lines, read_text, whole_file, write_text


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
