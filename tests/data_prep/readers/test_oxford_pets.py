"""Oxford-IIIT Pet: three lists that must agree."""

from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import oxford_pets


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("list.txt", "Abyssinian_1 1 1 1", "Abyssinian_1 1 1 1\nAbyssinian_99 1 1 1", "Abyssinian_99 is in neither"),
        ("trainval.txt", " 3 2 3", " 4 2 4", "two classes are named 'Épagneul breton'"),
    ],
)
def test_lists_that_disagree_are_named(name: str, old: str, new: str, message: str, tmp_path: Path, run: Run) -> None:
    layout = oxford_pets(tmp_path / "source")
    path = layout.root / "annotations" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    outcome = run("oxford_pets", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", message)


def test_class_without_a_picture_is_named(tmp_path: Path, run: Run) -> None:
    layout = oxford_pets(tmp_path / "source")
    for name in ("list.txt", "trainval.txt", "test.txt"):
        path = layout.root / "annotations" / name
        path.write_text(path.read_text(encoding="utf-8").replace(" 2 2 2", " 9 2 9"), encoding="utf-8")
    outcome = run("oxford_pets", "--source", layout.root, "--out", tmp_path / "out")
    assert_refused(outcome, tmp_path / "out", "annotations: no picture of class 2")
