"""What `inspect` reads, of one file, its neighbours or a folder."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_prep.error import DataPrepError
from data_prep.inspection.findings import inspect_files
from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import cub


@pytest.fixture
def made(tmp_path: Path, run: Run) -> Path:
    layout = cub(tmp_path / "source")
    assert run("cub", "--source", layout.root, "--out", tmp_path / "made", "--val-size", 3).status == 0
    return tmp_path / "made"


def test_folder_is_all_of_its_splits(made: Path) -> None:
    found = inspect_files(made, samples=3)
    assert {name: file.rows for name, file in found.files.items()} == {"train": 12, "val": 3, "test": 15}
    assert found.files["test"].formats == {"JPEG RGB": 5, "JPEG L": 5, "PNG RGB": 5}
    assert found.files["test"].shapes == {(24, 20): 15}
    assert found.contract == "1"
    assert len({sample.label for sample in found.samples}) == 3


def test_file_comes_first_and_brings_the_other_splits(made: Path) -> None:
    found = inspect_files(made / "test.parquet", samples=8)
    assert list(found.files) == ["test", "train", "val"]
    assert len(found.samples) == 8


def test_file_of_another_name_stands_alone(made: Path) -> None:
    shutil.copy(made / "test.parquet", made / "mine.parquet")
    assert list(inspect_files(made / "mine.parquet", samples=1).files) == ["mine"]


def test_picture_in_two_splits_is_found(made: Path) -> None:
    shutil.copy(made / "test.parquet", made / "val.parquet")
    assert inspect_files(made, samples=1).duplicates.across_splits == 15


def test_picture_that_is_none_is_named(made: Path) -> None:
    table = pq.read_table(made / "val.parquet")
    place = table.schema.get_field_index("images")
    images = pa.array([[{"bytes": b"<html>", "path": None}]] * table.num_rows, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), images), made / "val.parquet")
    with pytest.raises(DataPrepError, match=r"val\.parquet: row 0 holds no image"):
        inspect_files(made, samples=1)


def test_foreign_file_is_named(tmp_path: Path, run: Run) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    assert_refused(run("inspect", tmp_path / "x.parquet"), tmp_path / "out", "x.parquet")


def test_folder_without_parquet_is_named(tmp_path: Path, run: Run) -> None:
    assert_refused(run("inspect", tmp_path), tmp_path / "out", str(tmp_path), "holds no train.parquet")
