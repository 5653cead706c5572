"""Pictures that stand twice."""

import json
import shutil
from pathlib import Path

import pytest

from tests.data_prep.conftest import Run
from tests.data_prep.layouts import Layout


def test_duplicates_across_splits_are_reported(
    source: Layout, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    train, test = (next(n for n, row in source.rows.items() if row[1] == split) for split in ("train", "test"))
    images = source.root / "CUB_200_2011" / "images"
    shutil.copy(images / train, images / test)
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
    found = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["duplicates"]
    assert (found["across_splits"], found["within_split"], found["conflicting_labels"]) == (1, 0, 1)
    assert found["pairs"][0]["first"]["file_name"] == train
    assert found["pairs"][0]["again"]["file_name"] == test
    assert "1 pictures are in more than one split" in caplog.text


def test_picture_with_two_labels_is_reported(
    source: Layout, tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [name for name, row in source.rows.items() if row[1] == "train"]
    first, other = rows[0], next(name for name in rows if source.rows[name][0] != source.rows[rows[0]][0])
    images = source.root / "CUB_200_2011" / "images"
    shutil.copy(images / first, images / other)
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
    assert "1 pictures stand more than once, with different labels" in caplog.text
    assert f"{first} is {source.rows[first][0]!r}" in caplog.text
