"""MATLAB files."""

from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.readers.mat import integers, read_mat
from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import PUBLISHED, write_mat


def test_matlab_file_of_something_else_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["flowers102"](tmp_path / "source")
    write_mat(layout, "setid.mat", {"x": 1})
    outcome = run("flowers102", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "setid.mat", "no variable 'trnid'")


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataPrepError, match=r"gone\.mat: missing"):
        read_mat(tmp_path / "gone.mat", "x")


def test_values_are_whole_numbers_in_their_range(tmp_path: Path) -> None:
    assert integers(tmp_path, [1, 2.0], 1, 2, "the label of picture") == [1, 2]
    for value in (1.5, 0, 3):
        with pytest.raises(DataPrepError, match=f"the label of picture 2 is {value}, not from 1 to 2"):
            integers(tmp_path, [1, value], 1, 2, "the label of picture")
