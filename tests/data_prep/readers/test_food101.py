"""Food-101: lists that may have lost their end."""

from pathlib import Path

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import PUBLISHED


def test_list_that_lost_whole_lines_is_noticed(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["food101"](tmp_path / "source")
    path = layout.root / "food-101/meta/train.txt"
    path.write_bytes(path.read_bytes().rsplit(b"\r\n", 3)[0])
    outcome = run("food101", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "is in none of meta/train.txt")
