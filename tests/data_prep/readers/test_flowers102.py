"""Flowers-102: labels and splits by number."""

from pathlib import Path

import numpy as np

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import PUBLISHED, write_mat


def test_flower_label_out_of_range_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["flowers102"](tmp_path / "source")
    write_mat(layout, "imagelabels.mat", {"labels": np.array([[1, 2, 103]])})
    outcome = run("flowers102", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "imagelabels.mat", "the label of picture 3 is 103")


def test_flower_in_two_splits_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["flowers102"](tmp_path / "source")
    numbers = np.arange(1, 154)[None]
    write_mat(layout, "setid.mat", {"trnid": numbers, "valid": numbers + 153, "tstid": numbers[:, :1]})
    outcome = run("flowers102", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "setid.mat", "picture 1 is in trnid and in tstid")


def test_flower_in_no_split_is_named(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["flowers102"](tmp_path / "source")
    numbers = np.arange(1, 103)[None]
    write_mat(layout, "setid.mat", {"trnid": numbers, "valid": numbers + 102, "tstid": numbers[:, 1:] + 204})
    outcome = run("flowers102", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "setid.mat", "picture 205 is in no split")
