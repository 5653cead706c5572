"""Run the command line in this process, and read what it wrote."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from data_prep.cli import app
from tests.data_prep.layouts import Layout, cub


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    error: str


Run = Callable[..., Outcome]


@pytest.fixture
def run() -> Run:
    """`run("cub", "--source", path, ...)`; one worker unless said otherwise, so that no process is started."""

    def call(*arguments: object) -> Outcome:
        words = [*str(arguments[0]).split(), *map(str, arguments[1:])]
        if words[0] not in ("mix", "inspect") and "--workers" not in words:
            words += ["--workers", "1"]
        result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(status=result.exit_code, out=result.stdout, error=result.stderr)

    return call


@pytest.fixture
def source(tmp_path: Path) -> Layout:
    """CUB in miniature."""
    return cub(tmp_path / "source")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows of a parquet."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def names(path: Path) -> list[str]:
    """The file names of a parquet, in order."""
    return [row["extra_info"]["file_name"] for row in read_rows(path)]


def assert_refused(outcome: Outcome, out: Path, *mentions: str) -> None:
    """One line that mentions the file, status 2, and nothing left behind."""
    assert outcome.status == 2, outcome
    assert outcome.error.startswith("data_prep: error: ")
    assert outcome.error.count("\n") == 1, outcome.error
    for mention in mentions:
        assert mention in outcome.error
    assert not out.exists()


def command_words(source: Layout, out: Path, name: str = "cub") -> list[str]:
    """A run in a process of its own."""
    return [sys.executable, "-m", "data_prep", name, "--source", str(source.root), "--out", str(out)]
