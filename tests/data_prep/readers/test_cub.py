"""CUB: lists that must agree."""

from pathlib import Path

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import PUBLISHED


def test_class_without_pictures_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["cub"](tmp_path / "source")
    with (layout.root / "CUB_200_2011" / "classes.txt").open("a", encoding="utf-8") as lines:
        lines.write("4 004.Dodo\n")
    outcome = run("cub", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "class 'Dodo' has no pictures")


def test_number_that_stands_twice_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["cub"](tmp_path / "source")
    with (layout.root / "CUB_200_2011" / "train_test_split.txt").open("a", encoding="utf-8") as lines:
        lines.write("3 1\n")
    outcome = run("cub", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "train_test_split.txt", "number 3 stands in line 3 too")
