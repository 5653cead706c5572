"""Worker processes: their faults are told, and none is waited for that is dead."""

import os
import signal
from pathlib import Path

import pytest

from data_prep.pictures import shard, writer
from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import Layout


def test_broken_picture_in_a_worker_is_named(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "MAX_ROWS", 4)
    name = next(name for name, row in source.rows.items() if row[1] == "test")
    source.write(f"CUB_200_2011/images/{name}", b"<html>")
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--workers", 2)
    assert_refused(outcome, tmp_path / "out", name, "not an image")


def test_killed_worker_is_an_error_not_a_hang(
    source: Layout, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard, "MAX_ROWS", 4)
    monkeypatch.setattr(writer, "make_shard", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", "--workers", 2)
    assert_refused(outcome, tmp_path / "out", "a worker process was killed", "fewer --workers")
