from pathlib import Path

import pytest

from recipes.quickstart.output import whole_folder
from speciarl_verl.files import whole_file


def test_a_folder_replaces_what_was_there_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").touch()
    with whole_folder(out) as partial:
        (partial / "new").touch()
        assert (out / "old").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "new"]


def fail_midway(path: Path) -> None:
    with whole_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError


def test_a_stage_that_fails_leaves_no_output(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "folder"):
        raise RuntimeError
    with pytest.raises(RuntimeError):
        fail_midway(tmp_path / "file")
    assert not (tmp_path / "folder").exists()
    assert not (tmp_path / "file").exists()
