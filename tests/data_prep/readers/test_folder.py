"""A folder of one's own with a table of labels: what is named there, and what lies beside it."""

import json
from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, assert_refused, names, read_rows
from tests.data_prep.sample_pictures import jpeg

WHOLE = ("--val-size", "0", "--test-size", "0")


def _pictures(root: Path, *file_names: str) -> Path:
    for number, name in enumerate(file_names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(jpeg(number))
    return root


def _left_out(out: Path) -> list[tuple[str, int]]:
    entries = json.loads((out / "manifest.json").read_text())["left_out"]
    return [(entry["names"][0], entry["count"]) for entry in entries]


def test_also_picture_missing_from_ones_own_table_is_a_fault_of_the_table(tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "img/0.jpg")
    (root / "metadata.csv").write_text("file_name,label\nimg/0.jpg,cat\nimg/1.jpg,dog\n")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE)
    assert_refused(outcome, tmp_path / "out", "img/1.jpg", "is listed but missing", "mend its row in", "metadata.csv")
    assert "publisher" not in outcome.error


@pytest.mark.parametrize("other", ["./img/0.jpg", "img//0.jpg", "img/../img/0.jpg", "img\\\\0.jpg"])
def test_also_one_picture_written_in_two_ways_is_one(other: str, tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "img/0.jpg")
    (root / "metadata.csv").write_text(f"file_name,label\nimg/0.jpg,cat\n{other},cat\n")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE)
    assert_refused(outcome, tmp_path / "out", "picture img/0.jpg is listed 2 times")


def test_absolute_names_in_the_folder_are_read(tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "img/0.jpg")
    (tmp_path / "labels.csv").write_text(f"file_name,label\n{root}/img/0.jpg,cat\n")
    flags = ("--labels", tmp_path / "labels.csv", *WHOLE)
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert names(tmp_path / "out" / "train.parquet") == ["img/0.jpg"]


@pytest.mark.parametrize("name", ["../0.jpg", "/elsewhere/0.jpg", "img/../../0.jpg", "."])
def test_name_outside_of_the_folder_is_refused(name: str, tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "img/0.jpg")
    (root / "metadata.csv").write_text(f"file_name,label\n{name},cat\n")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "metadata.csv:2: ", f"{name} lies outside")


def test_pictures_that_the_table_does_not_name_are_counted_and_named(tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "img/0.jpg", "img/1.jpg", "img/2.jpg", "other/3.jpg")
    (root / "metadata.csv").write_text("file_name,label\nimg/0.jpg,cat\n")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE).status == 0
    assert _left_out(tmp_path / "out") == [("img/1.jpg", 2)]


@pytest.mark.parametrize("given", ["none", "test"])
def test_d7_split_of_a_table_is_what_the_user_says(given: str, tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "0.jpg", "1.jpg")
    (root / "metadata.csv").write_text("file_name,label,split\n0.jpg,cat,train\n1.jpg,cat,exam\n")
    flags = ("--split", f"exam={given}", "--val-size", "0")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert (tmp_path / "out" / "test.parquet").exists() is (given == "test")
    assert _left_out(tmp_path / "out") == ([("1.jpg", 1)] if given == "none" else [])


def test_labels_of_a_table_are_taken_as_they_are(tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source", "0.jpg", "1.jpg")
    (root / "metadata.csv").write_text("file_name,label\n0.jpg,1_cat_a\n1.jpg,  2.dog \n")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE).status == 0
    labels = {row["reward_model"]["ground_truth"] for row in read_rows(tmp_path / "out" / "train.parquet")}
    assert labels == {"1_cat_a", "2.dog"}


def test_table_below_other_folders_is_found(tmp_path: Path, run: Run) -> None:
    root = _pictures(tmp_path / "source" / "set" / "v1", "img/0.jpg")
    (root / "metadata.csv").write_text("file_name,label\nimg/0.jpg,cat\n")
    assert run("folder", "--source", tmp_path / "source", "--out", tmp_path / "out", *WHOLE).status == 0
    assert names(tmp_path / "out" / "train.parquet") == ["img/0.jpg"]


def test_d1_class_that_only_test_has_is_noted_of_a_table(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    root = _pictures(tmp_path / "source", "0.jpg", "1.jpg")
    (root / "metadata.csv").write_text("file_name,label,split\n0.jpg,cat,train\n1.jpg,dog,test\n")
    assert run("folder", "--source", root, "--out", tmp_path / "out", "--val-size", "0").status == 0
    assert "1 classes are in val or test only: dog" in caplog.text
