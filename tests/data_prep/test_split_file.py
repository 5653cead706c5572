"""Another split than the publisher's."""

import json
import random
from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, assert_refused, names
from tests.data_prep.layouts import Layout


def test_pictures_get_the_splits_of_the_file(source: Layout, tmp_path: Path, run: Run) -> None:
    chosen = sorted(source.rows)
    content = {"train": chosen[:10], "val": chosen[10:14], "test": chosen[14:20]}
    rows = {split: [[name, 0, "ignored"] for name in part] for split, part in content.items()}
    (tmp_path / "split.json").write_text(json.dumps(rows), encoding="utf-8")
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--split-file", tmp_path / "split.json")
    for split, part in content.items():
        assert set(names(tmp_path / "out" / f"{split}.parquet")) == set(part)


def test_paper_draw_samples_the_list_of_the_file(source: Layout, tmp_path: Path, run: Run) -> None:
    chosen = sorted(source.rows, key=lambda name: name[::-1])
    content = {"train": chosen[:20], "val": chosen[20:24], "test": chosen[24:]}
    (tmp_path / "split.json").write_text(json.dumps({s: [[n, 0, ""] for n in c] for s, c in content.items()}))
    flags = ("--split-file", tmp_path / "split.json", "--draw", "paper", "--train-size", 8)
    assert run("cub", "--source", source.root, "--out", tmp_path / "out", *flags).status == 0
    random.seed(42)
    assert names(tmp_path / "out" / "train.parquet") == random.sample(content["train"], 8)
    assert names(tmp_path / "out" / "val.parquet") == content["val"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a readable JSON file"),
        ("[]", "not an object of lists"),
        ('{"dev": []}', "not an object of lists"),
        ('{"train": [[1]]}', "does not begin with a file name"),
        ('{"train": [["no.jpg", 0, "x"]]}', "picture no.jpg is not in cub"),
        ('{"train": [["a"]], "test": [["a"]]}', "picture a is in train and in test"),
    ],
)
def test_other_file_is_refused(content: str, message: str, source: Layout, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--split-file", path)
    assert_refused(outcome, tmp_path / "out", "split.json", message)
