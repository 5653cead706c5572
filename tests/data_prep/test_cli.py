"""The command line itself; what its commands do is tested beside what does it."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_prep.cli import PUBLISHED
from tests.data_prep.conftest import Run
from tests.data_prep.layouts import Layout

HEAVY = "datasets, numpy, PIL, pyarrow, scipy, torch, tqdm"


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in (*PUBLISHED, "folder", "hub", "mix"))])
def test_help_imports_nothing_that_reads_or_writes(words: list[str]) -> None:
    code = f"""
import sys
from data_prep.cli import app
try:
    app({words!r})
finally:
    held = {{name.split('.')[0] for name in sys.modules}} & set({HEAVY.split(", ")!r})
    assert not held, held
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_module_is_a_command_that_can_be_stopped(source: Layout, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "data_prep", "cub", "--source", str(source.root), "--out", str(tmp_path / "out")]
    done = subprocess.run([*words, "--workers", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "train.parquet: 14 pictures of 3 classes" in done.stderr


def test_fault_of_ours_is_no_fault_of_the_users(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.prepare.select", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("cub", "--source", source.root, "--out", tmp_path / "out")
