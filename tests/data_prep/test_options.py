"""Flags that have no such value."""

from pathlib import Path

import pytest

from tests.data_prep.conftest import Run, assert_refused
from tests.data_prep.layouts import Layout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--train-size", "16"], "ask for 16"),
        (["--train-size", "many"], "--train-size many: not a size"),
        (["--val-size", "101%"], "--val-size 101%"),
        (["--verify", "fully"], "--verify fully"),
        (["--max-pixels", "100"], "--max-pixels 100"),
        (["--workers", "0"], "--workers 0"),
        (["--include-class", "dodo"], "--include-class dodo"),
        (["--split-file", "absent.json"], "absent.json"),
        (["--per-class", "6"], "--per-class 6: class"),
        (["--per-class", "1", "--train-size", "3"], "leave out --train-size"),
        (["--per-class", "1", "--draw", "paper"], "leave out --stratified and --per-class"),
        (["--stratified", "--draw", "paper"], "--draw paper"),
        (["--draw", "dice"], "--draw dice: no such way"),
    ],
)
def test_wrong_value_is_named(flags: list[str], message: str, source: Layout, tmp_path: Path, run: Run) -> None:
    outcome = run("cub", "--source", source.root, "--out", tmp_path / "out", *flags)
    assert_refused(outcome, tmp_path / "out", message)
