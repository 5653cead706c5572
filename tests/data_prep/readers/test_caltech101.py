"""Caltech-101: no split, and a category that is none."""

import json
from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, read_rows
from tests.data_prep.layouts import caltech101


@pytest.mark.parametrize("inside", [False, True])
def test_clutter_is_left_out_and_counted(inside: bool, tmp_path: Path, run: Run) -> None:
    layout = caltech101(tmp_path / "source")
    source = layout.root / "101_ObjectCategories" if inside else layout.root
    assert run("caltech101", "--source", source, "--out", tmp_path / "out", "--test-size", "100%").status != 0
    assert run("caltech101", "--source", source, "--out", tmp_path / "out").status == 0
    labels = {row["reward_model"]["ground_truth"] for row in read_rows(tmp_path / "out" / "train.parquet")}
    assert labels == {"Faces easy", "accordéon", "yin yang"}
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [(entry["what"], entry["count"]) for entry in left_out] == [("pictures in BACKGROUND_Google", 1)]
