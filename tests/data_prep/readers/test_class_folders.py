"""Which folder is a split, which a class, and which is neither."""

import json
from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, assert_refused, read_rows
from tests.data_prep.layouts import OWN
from tests.data_prep.sample_pictures import jpeg

WHOLE = ("--val-size", "0", "--test-size", "0")


def _tree(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number) if path.suffix in (".jpg", ".JPEG") else b"text")
    return root


def _labels(out: Path) -> dict[str, list[str]]:
    """Split -> its labels in the order of the file names."""
    found = {}
    for split in ("train", "val", "test"):
        if (out / f"{split}.parquet").exists():
            rows = sorted(read_rows(out / f"{split}.parquet"), key=lambda row: row["extra_info"]["file_name"])
            found[split] = [row["reward_model"]["ground_truth"] for row in rows]
    return found


BOTH = ("train/robin/1.jpg", "train/wren/2.jpg", "test/robin/3.jpg", "test/wren/4.jpg")


@pytest.mark.parametrize("odd", ["unlabeled/5.jpg", "extra/robin/5.jpg", "notes/readme.txt"])
def test_d1_folder_beside_splits_is_refused_by_name(odd: str, tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", *BOTH, odd)
    name = odd.split("/")[0]
    outcome = run("folder", "--source", root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(root / name), "beside the splits", f"--split {name}=")


@pytest.mark.parametrize("given", ["none", "train", "val"])
def test_d1_folder_beside_splits_is_what_the_user_says(given: str, tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", *BOTH, "extra/robin/5.jpg")
    flags = ("--split", f"extra={given}", "--val-size", "0" if given != "val" else "100%")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    expected = {"train": ["robin", "wren"], "test": ["robin", "wren"]}
    if given == "train":
        expected["train"] = ["robin", "robin", "wren"]
    if given == "val":
        expected["val"] = ["robin"]
    assert _labels(tmp_path / "out") == expected
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [entry["count"] for entry in left_out] == ([1] if given == "none" else [])


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("seg_train", "seg_test", "test"),
        ("trainImages", "testImages", "test"),
        ("training_set", "test_set", "test"),
        ("TRAIN2017", "val2017", "val"),
    ],
)
@pytest.mark.parametrize("inner", ["", "same", "images"])
def test_d1_names_like_splits_are_splits(
    train: str, other: str, split: str, inner: str, tmp_path: Path, run: Run
) -> None:
    middles = {folder: {"": "", "same": f"{folder}/", "images": "images/"}[inner] for folder in (train, other)}
    names = [
        f"{folder}/{middle}{label}/{folder}.jpg" for folder, middle in middles.items() for label in ("lake", "sea")
    ]
    root = _tree(tmp_path / "source", *names)
    sizes = ("--val-size", "100%" if split == "val" else "0")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *sizes).status == 0
    assert _labels(tmp_path / "out") == {"train": ["lake", "sea"], split: ["lake", "sea"]}


def test_d1_third_folder_beside_names_like_splits_is_refused(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "seg_train/lake/1.jpg", "seg_test/lake/2.jpg", "seg_pred/3.jpg")
    assert_refused(run("folder", "--source", root, "--out", tmp_path / "out"), tmp_path / "out", "seg_pred", "--split")


def test_d1_third_folder_beside_names_like_splits_is_what_the_user_says(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "seg_train/lake/1.jpg", "seg_test/lake/2.jpg", "seg_pred/3.jpg")
    flags = ("--split", "seg_pred=none", "--val-size", "0")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {"train": ["lake"], "test": ["lake"]}


def test_d1_two_folders_like_one_split_are_refused(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "train_a/lake/1.jpg", "train_masks/lake/2.jpg", "test_a/lake/3.jpg")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "train_a and train_masks", "both seem to be train")


@pytest.mark.parametrize("split", ["val", "test"])
def test_d1_class_that_train_has_not_is_refused_by_name(split: str, tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "train/robin/1.jpg", "train/wren/2.jpg", f"{split}/images/3.jpg")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", f"{split}/images/3.jpg", f"class 'images' is in {split}")


def test_d1_class_that_train_has_not_is_taken_when_asked_for(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "train/robin/1.jpg", "test/wren/2.jpg")
    flags = ("--unseen-classes", "--val-size", "0")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert _labels(tmp_path / "out") == {"train": ["robin"], "test": ["wren"]}


def test_classes_called_like_splits_stay_classes(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "train/1.jpg", "bus/2.jpg", "bullet_train/3.jpg", "test_tube/4.jpg")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE).status == 0
    assert _labels(tmp_path / "out") == {"train": ["bullet train", "bus", "test tube", "train"]}


def test_splits_inside_of_classes_are_splits(tmp_path: Path, run: Run) -> None:
    root = _tree(
        tmp_path / "source", *(f"{c}/{s}/{n}.jpg" for c in ("robin", "wren") for n, s in enumerate(("train", "test")))
    )
    assert run("folder", "--source", root, "--out", tmp_path / "out", "--val-size", "0").status == 0
    assert _labels(tmp_path / "out") == {"train": ["robin", "wren"], "test": ["robin", "wren"]}


def test_picture_beside_splits_inside_of_classes_is_refused(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "robin/train/1.jpg", "robin/test/2.jpg", "wren/3.jpg")
    assert_refused(
        run("folder", "--source", root, "--out", tmp_path / "out"), tmp_path / "out", "wren/3.jpg", "no split"
    )


def test_split_given_for_a_name_that_is_not_there_is_refused(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", *BOTH)
    outcome = run("folder", "--source", root, "--out", tmp_path / "out", "--split", "extra=none")
    assert_refused(outcome, tmp_path / "out", "--split extra=none", "test, train")


def test_root_with_a_licence_around_the_classes_is_entered(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "LICENSE.txt", "images/robin/1.jpg", "images/wren/2.jpg")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *WHOLE).status == 0
    assert _labels(tmp_path / "out") == {"train": ["robin", "wren"]}
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [(entry["count"], entry["names"]) for entry in left_out] == [(1, ["LICENSE.txt"])]


def test_out_in_the_midst_of_the_classes_is_refused(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "robin/1.jpg", "wren/2.jpg")
    assert_refused(run("folder", "--source", root, "--out", root / "out"), root / "out", "out: is --out")


def test_folder_class_without_pictures_is_named(tmp_path: Path, run: Run) -> None:
    layout = OWN["folder"](tmp_path / "source")
    (layout.root / "empty").mkdir()
    outcome = run("folder", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "class 'empty' has no pictures")


def test_picture_outside_of_class_folders_is_named(tmp_path: Path, run: Run) -> None:
    layout = OWN["folder"](tmp_path / "source")
    layout.write("stray.jpg", jpeg(1))
    outcome = run("folder", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "stray.jpg", "lies in no class folder")


def test_splits_that_leave_train_only_are_a_set_without_splits(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", *(f"{part}/robin/{part}{n}.jpg" for part in ("train", "test") for n in range(10)))
    flags = ("--split", "test=none", "--val-size", "0")
    assert run("folder", "--source", root, "--out", tmp_path / "out", *flags).status == 0
    assert {split: len(labels) for split, labels in _labels(tmp_path / "out").items()} == {"train": 8, "test": 2}


def test_train_that_holds_one_class_of_many_folders_stays_a_class(tmp_path: Path, run: Run) -> None:
    root = _tree(tmp_path / "source", "train/robin/2023/1.jpg", "train/robin/2024/2.jpg", "test/robin/2024/3.jpg")
    assert run("folder", "--source", root, "--out", tmp_path / "out", "--val-size", "0").status == 0
    assert _labels(tmp_path / "out") == {"train": ["robin", "robin"], "test": ["robin"]}


def test_split_inside_of_classes_can_be_left_out(tmp_path: Path, run: Run) -> None:
    names = [f"{label}/{split}/{split}.jpg" for label in ("robin", "wren") for split in ("train", "test", "extra")]
    root = _tree(tmp_path / "source", *names)
    flags = ("--split", "extra=none", "--val-size", "0")
    outcome = run("folder", "--source", root, "--out", tmp_path / "out", *flags)
    assert outcome.status == 0, outcome
    left_out = json.loads((tmp_path / "out" / "manifest.json").read_text())["left_out"]
    assert [entry["count"] for entry in left_out] == [2]
