"""Names in a table as people write them, and the files that they mean."""

from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.readers.label_table import LabelRow
from data_prep.readers.table_files import Located, locate


def _locate(root: Path, *names: str) -> Located:
    return locate([LabelRow(name, "x", None, f"t.csv:{line}") for line, name in enumerate(names, start=2)], root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("img/a1.jpg", "img/a2.JPG", "img/b.jpg", "img/b.png", "img/notes.txt", "c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("img/a1.jpg", "img/a1.jpg"),
        ("img/a1", "img/a1.jpg"),
        ("img/A2.jpg", "img/a2.JPG"),
        ("./img//a1.jpg", "img/a1.jpg"),
        ("img/../c.jpg", "c.jpg"),
        ("img/b", "img/b"),
        ("img/gone.jpg", "img/gone.jpg"),
        ("else/a1", "else/a1"),
    ],
)
def test_name_means_the_only_file_that_fits(name: str, place: str, root: Path) -> None:
    assert _locate(root, name).names == (place,)


def test_names_read_otherwise_are_noted_and_others_beside_counted(root: Path) -> None:
    found = _locate(root, "img/a1", "img/A2.jpg", "img/b.png")
    assert found.notes == ("2 names in the table are files: 'img/a1' is 'img/a1.jpg'",)
    assert [(entry.count, entry.names) for entry in found.beside] == [(1, ("img/b.jpg",))]
    assert _locate(root, "img/b.jpg", "c.jpg").notes == ()


def test_name_outside_of_the_folder_is_named_by_its_line(root: Path) -> None:
    with pytest.raises(DataPrepError, match=r"t\.csv:3: \.\./x\.jpg lies outside"):
        _locate(root, "c.jpg", "../x.jpg")
