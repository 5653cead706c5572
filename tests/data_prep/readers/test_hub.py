"""Data sets of the Hugging Face hub, from local copies; nothing is downloaded."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from data_prep.readers import hub
from speciarl_verl.data_contract import check_parquet
from tests.data_prep.conftest import Run, assert_refused, read_rows
from tests.data_prep.sample_pictures import any_kind

NAMES = ["apple_pie", "crème_brûlée"]


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def _part(count: int, labels: list[Any], label_feature: Any, start: int = 0, **columns: str) -> Any:
    image, label = columns.get("image", "image"), columns.get("label", "label")
    rows = {image: [{"bytes": any_kind(start + i), "path": None} for i in range(count)], label: labels}
    return datasets.Dataset.from_dict(rows, datasets.Features({image: datasets.Image(), label: label_feature}))


def _class_labels() -> Any:
    return datasets.ClassLabel(names=NAMES)


def test_saved_copy_with_splits_round_trips(tmp_path: Path, run: Run) -> None:
    parts = {"train": _part(10, [0, 1] * 5, _class_labels()), "validation": _part(4, [0, 1] * 2, _class_labels(), 10)}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "food")
    assert run("hub", "--source", tmp_path / "food", "--out", tmp_path / "out").status == 0
    seen = set()
    for split, count in (("train", 10), ("val", 4)):
        path = tmp_path / "out" / f"{split}.parquet"
        check_parquet(str(path))
        rows = read_rows(path)
        assert len(rows) == count
        for row in rows:
            number = int(row["extra_info"]["file_name"].split("/")[1]) + (10 if split == "val" else 0)
            assert row["images"][0]["bytes"] == any_kind(number)
            assert row["reward_model"]["ground_truth"] == NAMES[number % 2].replace("_", " ")
            assert row["data_source"] == "food"
            seen.add(number)
    assert seen == set(range(14))


def test_folder_of_parquet_is_loaded_and_split(tmp_path: Path, run: Run) -> None:
    (tmp_path / "birds").mkdir()
    _part(20, ["wren", "robin"] * 10, datasets.Value("string")).to_parquet(tmp_path / "birds" / "train.parquet")
    assert run("hub", "--source", tmp_path / "birds", "--out", tmp_path / "out", "--name", "mine").status == 0
    rows = {split: read_rows(tmp_path / "out" / f"{split}.parquet") for split in ("train", "val", "test")}
    assert {split: len(part) for split, part in rows.items()} == {"train": 15, "val": 1, "test": 4}
    assert {row["reward_model"]["ground_truth"] for row in rows["train"]} == {"wren", "robin"}
    assert rows["test"][0]["data_source"] == "mine"


def test_numbered_labels_take_names_from_a_file(tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1, 1, 0], datasets.Value("int64")).save_to_disk(tmp_path / "cars")
    (tmp_path / "names.txt").write_text("Citroën DS 1955\nAM General Hummer SUV 2000\n", encoding="utf-8")
    flags = ("--names", tmp_path / "names.txt", "--val-size", 0, "--test-size", 0, "--workers", 2)
    assert run("hub", "--source", tmp_path / "cars", "--out", tmp_path / "out", *flags).status == 0
    labels = {row["extra_info"]["label_id"]: row["reward_model"]["ground_truth"] for row in _train(tmp_path)}
    assert labels == {0: "Citroën DS 1955", 1: "AM General Hummer SUV 2000"}


def test_pictures_without_a_label_are_left_out(tmp_path: Path, run: Run) -> None:
    _part(5, [0, -1, 1, None, 0], _class_labels()).save_to_disk(tmp_path / "food")
    flags = ("--val-size", 0, "--test-size", 0)
    assert run("hub", "--source", tmp_path / "food", "--out", tmp_path / "out", *flags).status == 0
    assert {row["extra_info"]["file_name"] for row in _train(tmp_path)} == {f"train/{n:08d}" for n in (0, 2, 4)}


def test_other_columns_are_named_by_flags(tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1, 1, 0], _class_labels(), image="img", label="fine").save_to_disk(tmp_path / "food")
    flags = ("--image-column", "img", "--label-column", "fine", "--val-size", 0, "--test-size", 0)
    assert run("hub", "--source", tmp_path / "food", "--out", tmp_path / "out", *flags).status == 0
    assert len(_train(tmp_path)) == 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--image-column", "picture"], "no column 'picture' (it has image, label)"),
        (["--image-column", "label"], "column 'label' holds no images"),
        (["--label-column", "kind"], "no column 'kind'"),
    ],
)
def test_wrong_column_is_named(flags: list[str], message: str, tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1, 1, 0], _class_labels()).save_to_disk(tmp_path / "food")
    outcome = run("hub", "--source", tmp_path / "food", "--out", tmp_path / "out", *flags)
    assert_refused(outcome, tmp_path / "out", message)


def test_numbered_labels_without_names_are_refused(tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1, 1, 0], datasets.Value("int64")).save_to_disk(tmp_path / "cars")
    outcome = run("hub", "--source", tmp_path / "cars", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "label '0' is a number", "--names FILE")


def test_label_beyond_the_names_is_refused(tmp_path: Path, run: Run) -> None:
    _part(3, [0, 1, 2], datasets.Value("int64")).save_to_disk(tmp_path / "cars")
    (tmp_path / "names.txt").write_text("a\nb\n", encoding="utf-8")
    flags = ("--names", tmp_path / "names.txt")
    outcome = run("hub", "--source", tmp_path / "cars", "--out", tmp_path / "out", *flags)
    assert_refused(outcome, tmp_path / "out", "has 2 names, label 2 has no name")


def test_broken_picture_is_named_by_row(tmp_path: Path, run: Run) -> None:
    part = _part(3, [0, 1, 0], _class_labels()).cast_column("image", datasets.Image(decode=False))
    rows = [row if i != 1 else {**row, "image": {"bytes": b"<html>", "path": None}} for i, row in enumerate(part)]
    datasets.Dataset.from_list(rows, features=_part(1, [0], _class_labels()).features).save_to_disk(tmp_path / "food")
    outcome = run("hub", "--source", tmp_path / "food", "--out", tmp_path / "out", "--val-size", 0)
    assert_refused(outcome, tmp_path / "out", "train/00000001", "not an image")


def _save(path: Path, **parts: Any) -> Path:
    datasets.DatasetDict(parts).save_to_disk(path)
    return path


def test_d7_unknown_split_is_refused_with_a_way_out(tmp_path: Path, run: Run) -> None:
    one, two = _part(4, [0, 1] * 2, _class_labels()), _part(2, [0, 1], _class_labels(), 4)
    source = _save(tmp_path / "food", train=one, extra=two)
    outcome = run("hub", "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "split 'extra' is not known", "--split extra=SPLIT")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("train", {"train": 6}),
        ("test", {"train": 4, "test": 2}),
        ("val", {"train": 4, "val": 2}),
        ("none", {"train": 4}),
    ],
)
def test_d7_split_is_what_the_user_says(given: str, expected: dict[str, int], tmp_path: Path, run: Run) -> None:
    one, two = _part(4, [0, 1] * 2, _class_labels()), _part(2, [0, 1], _class_labels(), 4)
    source = _save(tmp_path / "food", train=one, extra=two)
    flags = ["--split", f"extra={given}", "--train-size", "100%"]
    flags += [] if given == "val" else ["--val-size", "0"]
    flags += [] if given == "test" else ["--test-size", "0"]
    assert run("hub", "--source", source, "--out", tmp_path / "out", *flags).status == 0
    assert {path.stem: len(read_rows(path)) for path in (tmp_path / "out").glob("*.parquet")} == expected
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [(entry["count"], entry["names"]) for entry in left_out] == ([(2, ["extra"])] if given == "none" else [])


def test_d7_only_split_is_the_whole_set_whatever_its_name(tmp_path: Path, run: Run) -> None:
    source = _save(tmp_path / "food", full=_part(20, [0, 1] * 10, _class_labels()))
    assert run("hub", "--source", source, "--out", tmp_path / "out").status == 0
    counts = {path.stem: len(read_rows(path)) for path in (tmp_path / "out").glob("*.parquet")}
    assert counts == {"train": 15, "val": 1, "test": 4}


def test_d7_split_that_is_not_there_is_refused(tmp_path: Path, run: Run) -> None:
    source = _save(tmp_path / "food", train=_part(4, [0, 1] * 2, _class_labels()))
    outcome = run("hub", "--source", source, "--out", tmp_path / "out", "--split", "extra=none")
    assert_refused(outcome, tmp_path / "out", "--split extra=none", "has train")


@pytest.mark.parametrize("names", [["n01440764", "n01443537"], ["0", "1"]])
def test_d2_class_labels_that_name_nothing_are_refused(names: list[str], tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1] * 2, datasets.ClassLabel(names=names)).save_to_disk(tmp_path / "fish")
    outcome = run("hub", "--source", tmp_path / "fish", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", repr(names[0]), "--names FILE")


def test_d2_class_labels_take_names_from_a_file(tmp_path: Path, run: Run) -> None:
    _part(4, [0, 1] * 2, datasets.ClassLabel(names=["n01440764", "n01443537"])).save_to_disk(tmp_path / "fish")
    (tmp_path / "names.txt").write_text("n01443537 goldfish\nn01440764 tench\n")
    flags = ("--names", tmp_path / "names.txt", "--val-size", 0, "--test-size", 0)
    assert run("hub", "--source", tmp_path / "fish", "--out", tmp_path / "out", *flags).status == 0
    assert {row["reward_model"]["ground_truth"] for row in _train(tmp_path)} == {"tench", "goldfish"}


@pytest.mark.parametrize("feature", [datasets.Value("string"), datasets.ClassLabel(names=["cat", "cat ", "dog"])])
def test_also_labels_that_differ_in_spaces_are_one_class(feature: Any, tmp_path: Path, run: Run) -> None:
    labels = ["cat", "cat ", "dog"] if isinstance(feature, datasets.Value) else [0, 1, 2]
    _part(3, labels, feature).save_to_disk(tmp_path / "pets")
    flags = ("--val-size", 0, "--test-size", 0)
    assert run("hub", "--source", tmp_path / "pets", "--out", tmp_path / "out", *flags).status == 0
    rows = _train(tmp_path)
    assert sorted(row["reward_model"]["ground_truth"] for row in rows) == ["cat", "cat", "dog"]
    assert {row["extra_info"]["label_id"] for row in rows} == {0, 1}


def test_class_without_a_picture_is_counted_and_named(tmp_path: Path, run: Run) -> None:
    _part(4, [0, 2, 0, 2], datasets.ClassLabel(names=["cat", "cow", "dog"])).save_to_disk(tmp_path / "pets")
    flags = ("--val-size", 0, "--test-size", 0)
    assert run("hub", "--source", tmp_path / "pets", "--out", tmp_path / "out", *flags).status == 0
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [(entry["what"], entry["names"]) for entry in left_out] == [("classes without a picture", ["cow"])]


@pytest.mark.parametrize(
    ("feature", "labels"),
    [
        pytest.param(datasets.Sequence(datasets.Value("string")), [["cat"], ["dog", "cat"]], id="several-labels"),
        pytest.param(datasets.Value("float32"), [0.5, 1.0], id="measures"),
        pytest.param(datasets.Value("bool"), [True, False], id="truths"),
    ],
)
def test_column_of_other_values_is_no_label(feature: Any, labels: list[Any], tmp_path: Path, run: Run) -> None:
    _part(2, labels, feature).save_to_disk(tmp_path / "pets")
    outcome = run("hub", "--source", tmp_path / "pets", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "is no label", "--label-column")


def test_empty_set_is_refused(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_open", lambda *_: {})
    outcome = run("hub", "--source", "some/pets", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "some/pets: has no rows")


def test_unknown_data_set_is_refused(tmp_path: Path, run: Run) -> None:
    outcome = run("hub", "--source", tmp_path / "nothing", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "nothing", "cannot be loaded", "give the id")


def _train(tmp_path: Path) -> list[dict[str, Any]]:
    return read_rows(tmp_path / "out" / "train.parquet")
