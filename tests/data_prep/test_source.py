"""Where a publisher's files are found."""

import os
from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.source import Source, open_source


def _tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def test_root_is_the_outermost_folder_that_holds_everything(tmp_path: Path) -> None:
    root = _tree(tmp_path, "a/b/one.txt", "a/b/two.txt", "a/one.txt")
    assert Source(root, (root,)).root_of(["one.txt", "two.txt"], "cure") == root / "a" / "b"


def test_root_that_lacks_a_file_is_named_by_it(tmp_path: Path) -> None:
    root = _tree(tmp_path, "a/one.txt")
    with pytest.raises(DataPrepError, match=r"a/two\.txt: missing: cure"):
        Source(root, (root,)).root_of(["one.txt", "two.txt"], "cure")
    with pytest.raises(DataPrepError, match=r"holds no x or y: cure"):
        Source(root, (root,)).root_of(["x", "y"], "cure")


def test_folder_that_repeats_itself_is_found_inside(tmp_path: Path) -> None:
    root = _tree(tmp_path, "images/images/1.jpg")
    assert Source(root, (root,)).find("images", "cure") == root / "images" / "images"


def test_files_too_deep_are_not_looked_for(tmp_path: Path) -> None:
    root = _tree(tmp_path, "1/2/3/4/5/one.txt")
    assert not Source(root, (root,)).holds("one.txt")
    assert Source(root, (root / "1",)).holds("one.txt")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataPrepError, match="not an archive"):
        open_source(_tree(tmp_path, "a.rar") / "a.rar", tmp_path / "scratch", {})
    with pytest.raises(DataPrepError, match="no such file or folder"):
        open_source(tmp_path / "gone", tmp_path / "scratch", {})


def test_d4_folder_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")
    with pytest.raises(DataPrepError, match=r"udce9' is not UTF-8"):
        Source(tmp_path, (tmp_path,)).holds("one.txt")


def test_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataPrepError, match=r"cannot be read \(Permission denied\)"):
        Source(tmp_path, (tmp_path,)).holds("one.txt")
