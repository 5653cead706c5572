"""The output folder: nothing half-written, nothing of others touched."""

import resource
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from data_prep import output
from tests.data_prep.conftest import Run, assert_refused, command_words
from tests.data_prep.layouts import Layout


def test_failed_run_leaves_an_earlier_output_alone(source: Layout, tmp_path: Path, run: Run) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    source.write(f"CUB_200_2011/images/{next(iter(source.rows))}", b"")
    assert run("cub", "--source", source.root, "--out", tmp_path / "out").status == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_split_of_an_earlier_run_does_not_survive(source: Layout, tmp_path: Path, run: Run) -> None:
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 3)
    run("cub", "--source", source.root, "--out", tmp_path / "out", "--val-size", 0)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "manifest.json",
        "test.parquet",
        "train.parquet",
    ]


@pytest.mark.parametrize("out", ["file/out", "/proc/nowhere/out"])
def test_unwritable_folder_is_named(out: str, source: Layout, tmp_path: Path, run: Run) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    outcome = run("cub", "--source", source.root, "--out", tmp_path / out)
    assert_refused(outcome, tmp_path / out, out, "choose another --out")


def test_too_little_space_is_refused_before_work_begins(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(output.shutil, "disk_usage", lambda _: usage(100, 90, 10))
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "new" / "out")
    assert_refused(outcome, tmp_path / "new", "MB are free")


@pytest.mark.parametrize("limit", [300, 5_000])
def test_full_disk_leaves_nothing(limit: int, source: Layout, tmp_path: Path) -> None:
    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        command_words(source, tmp_path / "out"), capture_output=True, text=True, preexec_fn=no_larger_files, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert "File too large" in done.stderr
    assert not (tmp_path / "out").exists()


def test_second_run_at_the_same_time_is_refused(source: Layout, tmp_path: Path, run: Run) -> None:
    with output.open_output(tmp_path / "out"):
        outcome = run("cub", "--source", source.root, "--out", tmp_path / "out")
        assert outcome.status == 2
        assert "another data_prep is at work here" in outcome.error
