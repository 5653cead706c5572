"""Every publisher's layout, unpacked and packed, and every way in which it can be broken."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from speciarl_verl.data_contract import SCHEMA, check_parquet
from tests.data_prep.conftest import Run, assert_refused, read_rows
from tests.data_prep.layouts import ALL, PUBLISHED, Layout, command, pack

Build = Callable[[Path], Layout]
SPLITS = ("train", "val", "test")
every = pytest.mark.parametrize("name", ALL)
published = pytest.mark.parametrize("name", PUBLISHED)


def assert_round_trip(layout: Layout, out: Path) -> None:
    """Each picture once, with its label, its publisher's split and its own bytes."""
    seen = Counter()
    for split in SPLITS:
        path = out / f"{split}.parquet"
        if not path.exists():
            continue
        check_parquet(str(path))
        assert pq.read_schema(path).equals(SCHEMA, check_metadata=False)
        for index, row in enumerate(read_rows(path)):
            info = row["extra_info"]
            label, published_split, data = layout.rows[info["file_name"]]
            assert row["reward_model"] == {"style": "judge", "ground_truth": label}
            assert row["images"] == [{"bytes": data, "path": None}]
            assert (info["split"], info["index"]) == (split, index)
            # Validation is held out of train where the publisher has none.
            assert published_split in (split, None) or (published_split, split) == ("train", "val")
            assert [message["role"] for message in row["prompt"]] == ["user"]
            assert row["prompt"][0]["content"].startswith("<image>Look")
            seen[info["file_name"]] += 1
    assert seen == Counter(layout.rows.keys())


@every
def test_unpacked_layout_round_trips(name: str, tmp_path: Path, run: Run) -> None:
    layout = ALL[name](tmp_path / "source")
    assert run(command(name), "--source", layout.root, "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("folder-splits", "folder-csv", "folder-jsonl")])
def test_folder_of_archives_round_trips_to_the_same_bytes(name: str, tmp_path: Path, run: Run) -> None:
    layout = ALL[name](tmp_path / "source")
    pack(layout, tmp_path / "packed")
    source = tmp_path / "packed" / "mine.zip" if name == "folder" else tmp_path / "packed"
    assert run(command(name), "--source", source, "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")
    )
    run(command(name), "--source", layout.root, "--out", tmp_path / "plain")
    for path in (tmp_path / "plain").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["cub", "food101", "fgvc_aircraft", "caltech101"])
def test_single_archive_is_a_source(name: str, tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED[name](tmp_path / "source")
    pack(layout, tmp_path / "packed")
    (archive,) = (tmp_path / "packed" / archive for archive in layout.archives)
    assert run(command(name), "--source", archive, "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


def test_archive_in_an_archive_is_a_source(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["caltech101"](tmp_path / "source")
    pack(layout, tmp_path / "packed" / "caltech-101")
    shutil.make_archive(str(tmp_path / "caltech-101"), "zip", tmp_path / "packed")
    assert run("caltech101", "--source", tmp_path / "caltech-101.zip", "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


@published
def test_layout_below_other_folders_is_found(name: str, tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED[name](tmp_path / "source" / "downloads" / "extracted")
    (tmp_path / "source" / "__MACOSX" / "downloads").mkdir(parents=True)
    assert run(command(name), "--source", tmp_path / "source", "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


def test_decomposed_names_on_disk_are_found(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["cub"](tmp_path / "source")
    images = tmp_path / "source" / "CUB_200_2011" / "images"
    (images / "002.Ñandú_común").rename(images / "002.N\u0303andu\u0301_comu\u0301n")
    assert run("cub", "--source", layout.root, "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


def test_folder_inside_a_folder_of_its_name_is_found(tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED["stanford_cars"](tmp_path / "source")
    (layout.root / "cars_train").rename(layout.root / "moved")
    (layout.root / "cars_train").mkdir()
    (layout.root / "moved").rename(layout.root / "cars_train" / "cars_train")
    assert run("stanford_cars", "--source", layout.root, "--out", tmp_path / "out").status == 0
    assert_round_trip(layout, tmp_path / "out")


LISTS = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, count in {
        "cub": 4,
        "flowers102": 2,
        "food101": 3,
        "oxford_pets": 3,
        "stanford_cars": 3,
        "fgvc_aircraft": 4,
        "folder-csv": 1,
        "folder-jsonl": 1,
        "stanford_cars-single": 1,
    }.items()
    for number in range(count)
]


@pytest.mark.parametrize(("name", "number"), LISTS)
@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "not-text"])
def test_broken_list_is_named(name: str, number: int, fault: str, tmp_path: Path, run: Run) -> None:
    layout = ALL[name](tmp_path / "source")
    path = layout.root / layout.lists[number]
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
        if name.startswith("folder"):
            return  # without a table, class-named folders are looked for
    else:
        half = content[: len(content) // 2 - 4]
        path.write_bytes({"empty": b"", "truncated": half, "not-text": b"\xff\xfe\0\1"}[fault])
    outcome = run(command(name), "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out")
    if fault != "truncated":
        assert path.name in outcome.error


@every
@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "not-an-image"])
def test_broken_picture_is_named(name: str, fault: str, tmp_path: Path, run: Run) -> None:
    layout = ALL[name](tmp_path / "source")
    file_name = sorted(layout.rows)[len(layout.rows) // 2]
    (path,) = (p for p in layout.root.rglob(Path(file_name).name) if str(p).endswith(file_name))
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
        if not layout.lists:
            return  # without a list nobody misses it
    else:
        path.write_bytes({"empty": b"", "truncated": content[:-40], "not-an-image": b"<!DOCTYPE html>"}[fault])
    outcome = run(command(name), "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(path))


@published
def test_truncated_archive_is_named(name: str, tmp_path: Path, run: Run) -> None:
    layout = PUBLISHED[name](tmp_path / "source")
    pack(layout, tmp_path / "packed")
    archive = tmp_path / "packed" / next(iter(layout.archives))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    outcome = run(command(name), "--source", tmp_path / "packed", "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(archive), "download it again")


@published
@pytest.mark.parametrize("kind", ["absent", "empty-folder", "no-archive"])
def test_source_that_is_something_else_is_named(name: str, kind: str, tmp_path: Path, run: Run) -> None:
    source = tmp_path / "source"
    if kind == "empty-folder":
        source.mkdir()
    elif kind == "no-archive":
        source.write_bytes(b"no archive")
    outcome = run(command(name), "--source", source, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", str(source))


_AIRCRAFT = "fgvc-aircraft-2013b/data/images_variant_val.txt"
MISLABELLED = [
    pytest.param("cub", "CUB_200_2011/image_class_labels.txt", "1 2", "1 9", "class '9' is not in", id="cub"),
    pytest.param("cub", "CUB_200_2011/image_class_labels.txt", "1 2", "1 3", "but lies in 002.", id="cub-other-class"),
    pytest.param("cub", "CUB_200_2011/train_test_split.txt", "\n2 0", "\n2 7", "the split is '7'", id="cub-split"),
    pytest.param("cub", "CUB_200_2011/images.txt", "2 003", "1 003", "image_class_labels.txt", id="cub-id-twice"),
    pytest.param("food101", "food-101/meta/train.txt", "pad_thai/", "pad_thay/", "not a picture of a class", id="food"),
    pytest.param("oxford_pets", "annotations/test.txt", "_1 1 ", "_1 2 ", "elsewhere", id="pets-other-class"),
    pytest.param("oxford_pets", "annotations/test.txt", "_1 1 ", "_1 x ", "the class is 'x'", id="pets-no-number"),
    pytest.param("fgvc_aircraft", _AIRCRAFT, "F/A", "F-A", "variant 'F-A-18'", id="aircraft"),
    pytest.param("folder-csv", "metadata.csv", ";test", ";exam", "split 'exam' is not known", id="csv-split"),
    pytest.param("folder-csv", "metadata.csv", ";cat_a;", ";;", "has no label", id="csv-label"),
    pytest.param("folder-csv", "metadata.csv", "label", "class", "no column 'label'", id="csv-column"),
    pytest.param("folder-csv", "metadata.csv", "IMG 1.jpg;", "IMG 1.jpg;x;", "4 fields under", id="csv-ragged"),
    pytest.param("folder-csv", "metadata.csv", "IMG 3.jpg", "IMG 2.jpg", "listed 2 times", id="csv-twice"),
    pytest.param("folder-jsonl", "metadata.jsonl", '{"file_name": "3', '"file_name": "3', "not JSON", id="jsonl"),
    pytest.param("folder-jsonl", "metadata.jsonl", '"fox"', '""', "has no label", id="jsonl-label"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "old", "new", "message"), MISLABELLED)
def test_contradiction_in_a_list_is_named(
    name: str, file: str, old: str, new: str, message: str, tmp_path: Path, run: Run
) -> None:
    layout = ALL[name](tmp_path / "source")
    path = layout.root / file
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode())
    outcome = run(command(name), "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", message)


def test_table_elsewhere_with_other_columns_is_read(tmp_path: Path, run: Run) -> None:
    root = tmp_path / "source"
    layout = Layout(root)
    layout.picture("a.jpg", "a.jpg", "cat", None)
    layout.picture("b.jpg", "b.jpg", "dog", None)
    table = tmp_path / "labels.tsv"
    table.write_text("name\tkind\na.jpg\tcat\nb.jpg\tdog\n", encoding="utf-8")
    columns = ("--file-column", "name", "--label-column", "kind", "--name", "pets")
    out = tmp_path / "out"
    outcome = run(
        "folder", "--source", root, "--labels", table, *columns, "--val-size", 0, "--test-size", 0, "--out", out
    )
    assert outcome.status == 0
    assert {row["data_source"] for row in read_rows(out / "train.parquet")} == {"pets"}
    assert_round_trip(layout, out)
