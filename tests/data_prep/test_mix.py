"""Mixtures of prepared data sets."""

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from data_prep import rows
from speciarl_verl.data_contract import check_parquet
from tests.data_prep.conftest import Run, assert_refused, names, read_rows
from tests.data_prep.layouts import PUBLISHED


@pytest.fixture
def parts(tmp_path: Path, run: Run) -> dict[str, Path]:
    folders = {}
    for name in ("cub", "food101", "oxford_pets"):
        folders[name] = tmp_path / name
        layout = PUBLISHED[name](tmp_path / f"{name}-source")
        assert run(name, "--source", layout.root, "--out", folders[name], "--val-size", 3).status == 0
    return folders


def _mix(run: Run, parts: dict[str, Path], out: Path, sizes: tuple[str, ...], *flags: object) -> None:
    words: list[object] = []
    for folder, size in zip(parts.values(), sizes, strict=True):
        words += ["--part", f"{folder}={size}"]
    outcome = run("mix", *words, "--out", out, *flags)
    assert outcome.status == 0, outcome


def test_mixture_holds_the_amounts_asked_for(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    _mix(run, parts, tmp_path / "out", ("6", "50%", "12"), "--val-each", 2)
    rows = read_rows(tmp_path / "out" / "train.parquet")
    assert Counter(row["data_source"] for row in rows) == {"cub": 6, "food101": 11, "oxford_pets": 12}
    assert [row["extra_info"]["index"] for row in rows] == list(range(29))
    assert len(read_rows(tmp_path / "out" / "val.parquet")) == 6
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "train.parquet",
        "val.parquet",
    ]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["splits"]["train"]["rows"] == 29
    for split in ("train", "val"):
        check_parquet(str(tmp_path / "out" / f"{split}.parquet"))


def test_rows_are_those_of_the_parts(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    _mix(run, parts, tmp_path / "out", ("6", "6", "6"))
    own = {
        (row["data_source"], row["extra_info"]["file_name"]): row
        for folder in parts.values()
        for row in read_rows(folder / "train.parquet")
    }
    for row in read_rows(tmp_path / "out" / "train.parquet"):
        source = own[row["data_source"], row["extra_info"]["file_name"]]
        for column in ("images", "prompt", "reward_model", "ability"):
            assert row[column] == source[column]
        assert row["extra_info"]["content_hash"] == source["extra_info"]["content_hash"]


def test_every_stretch_holds_the_parts_in_proportion(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    _mix(run, parts, tmp_path / "out", ("4", "8", "12"))
    sources = [row["data_source"] for row in read_rows(tmp_path / "out" / "train.parquet")]
    for start in range(0, 24, 6):
        assert Counter(sources[start : start + 6]) == {"cub": 1, "food101": 2, "oxford_pets": 3}


def test_smaller_mixture_lies_in_the_larger(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    drawn = []
    for size in ("3", "6", "9"):
        _mix(run, parts, tmp_path / size, (size, size, size))
        drawn.append(set(names(tmp_path / size / "train.parquet")))
    assert all(smaller < larger for smaller, larger in pairwise(drawn))


def test_same_seed_gives_same_bytes(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    _mix(run, parts, tmp_path / "a", ("6", "6", "6"), "--seed", 1)
    _mix(run, parts, tmp_path / "b", ("6", "6", "6"), "--seed", 1)
    _mix(run, parts, tmp_path / "c", ("6", "6", "6"), "--seed", 2)
    first, second, other = ((tmp_path / name / "train.parquet").read_bytes() for name in "abc")
    assert first == second != other


@pytest.mark.parametrize(
    ("size", "message"),
    [("=99", "has 12 rows, 99 are asked for"), ("=x", "not a size"), ("/none=3", "no such file")],
)
def test_part_out_of_range_is_named(size: str, message: str, parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    flags = ("--part", f"{parts['cub']}{size}", "--part", parts["food101"])
    assert_refused(run("mix", *flags, "--out", tmp_path / "out"), tmp_path / "out", message)


def test_paper_mixture_samples_one_part_after_another_with_one_seed(tmp_path: Path, run: Run) -> None:
    words: list[object] = []
    lists = []
    for name in ("cub", "food101", "oxford_pets"):
        layout = PUBLISHED[name](tmp_path / f"{name}-source")
        flags = ("--draw", "paper", "--val-size", 0)
        assert run(name, "--source", layout.root, "--out", tmp_path / name, *flags).status == 0
        lists.append(names(tmp_path / name / "train.parquet"))
        words += ["--part", f"{tmp_path / name}=5"]
    assert run("mix", *words, "--draw", "paper", "--out", tmp_path / "out").status == 0
    random.seed(42)
    expected = {name for listed in lists for name in random.sample(listed, 5)}
    assert set(names(tmp_path / "out" / "train.parquet")) == expected
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["sampling"]["draw"] == "paper"


def test_paper_mixture_of_parts_that_are_not_whole_is_refused(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    flags = ("--part", f"{parts['cub']}=3", "--part", f"{parts['food101']}=3", "--draw", "paper")
    outcome = run("mix", *flags, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(parts["cub"]), "draws from whole training splits", "--val-size 0")
    (parts["cub"] / "manifest.json").unlink()
    outcome = run("mix", *flags, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "manifest.json", "prepare the part again")


@pytest.mark.parametrize(("flags", "message"), [(["--stratified"], "leave out --stratified"), ([], "no such way")])
def test_paper_mixture_by_class_is_refused(
    flags: list[str], message: str, parts: dict[str, Path], tmp_path: Path, run: Run
) -> None:
    words = ("--part", parts["cub"], "--part", parts["food101"], "--draw", "paper" if flags else "dice", *flags)
    assert_refused(run("mix", *words, "--out", tmp_path / "out"), tmp_path / "out", message)


def test_one_part_is_no_mixture(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    outcome = run("mix", "--part", parts["cub"], "--part", f"{parts['cub']}=3", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "two different folders")


def test_foreign_part_is_named(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    (parts["cub"] / "train.parquet").write_bytes(b"PAR1")
    outcome = run("mix", "--part", parts["cub"], "--part", parts["food101"], "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(parts["cub"] / "train.parquet"), "not a readable parquet")


def test_mixture_of_nothing_is_refused(parts: dict[str, Path], tmp_path: Path, run: Run) -> None:
    flags = ("--part", f"{parts['cub']}=0", "--part", f"{parts['food101']}=0", "--val-each", "0")
    outcome = run("mix", *flags, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "the sizes leave no picture at all")


def test_mixture_of_many_batches_keeps_every_row(
    parts: dict[str, Path], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _mix(run, parts, tmp_path / "one", ("6", "6", "6"))
    monkeypatch.setattr(rows, "BATCH_ROWS", 6)
    _mix(run, parts, tmp_path / "two", ("6", "6", "6"))
    assert read_rows(tmp_path / "one" / "train.parquet") == read_rows(tmp_path / "two" / "train.parquet")
