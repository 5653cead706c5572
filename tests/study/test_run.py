"""The runner: what is left, what it refuses, and one row of a tiny setting through real verl."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.study.results import read_results
from recipes.study.rows import Setting, all_runs
from recipes.study.run import describe

ROOT = Path(__file__).parents[2]
TINY = {"warmup": 12, "images": 32, "held_out": 6, "prompts": 8, "steps": 2}


def study(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "recipes.study.run", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_plan_adds_up_what_is_left_by_runs_with_as_many_rollouts() -> None:
    runs = [run for run in all_runs(Setting()) if run.row.name in ("dynamic N=8", "dynamic N=4")][:2]
    done = [{"run": {"n": run.row.n}, "seconds": {"prepare": 300.0, "train": 280.0, "evaluate": 20.0}} for run in runs]
    lines = describe(runs, done).splitlines()
    assert lines[0] == f"{runs[0].row.name}, seed 0: 5.0 min"
    assert lines[-1] == "2 runs left, 0.2 h"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--only", "dinamic"], "--only dinamic: no such row"),
        (["--setting", '{"stepz": 1}'], "unexpected keyword argument 'stepz'"),
        (["--setting", "{"], "Expecting property name"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(flags: list[str], message: str, tmp_path: Path) -> None:
    done = study(*flags, "--work", tmp_path / "work")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert not (tmp_path / "work").exists()


def test_a_stage_that_fails_names_its_log_and_leaves_no_result(tmp_path: Path) -> None:
    (tmp_path / "work" / "seed0" / "birds").mkdir(parents=True)
    (tmp_path / "work" / "seed0" / "policy").mkdir()
    results = tmp_path / "results.jsonl"
    done = study("--only", "binary N=8", "--seed", 0, "--results", results, "--work", tmp_path / "work")
    assert done.returncode == 2
    assert "data.log" in done.stderr.strip().splitlines()[-1]
    assert read_results(results) == []


@pytest.mark.e2e
@pytest.mark.full
@pytest.mark.timeout(1800)
def test_one_row_goes_through_verl_and_is_not_repeated(tmp_path: Path) -> None:
    results, work = tmp_path / "results.jsonl", tmp_path / "work"
    flags = ["--only", "reliability 2/3 N=4", "--seed", 0, "--results", results, "--work", work]
    flags += ["--setting", json.dumps(TINY)]
    done = study(*flags)
    assert done.returncode == 0, done.stderr
    (result,) = read_results(results)
    assert [point[0] for point in result["course"]] == [1, 2]
    assert result["rollouts"] == 2 * 8 * 4
    assert sum(result["domains"]["cars"]["counts"].values()) == 6
    assert set(result["figures"]) >= {"birds", "fine-grained"}
    assert study(*flags, "--plan").stdout.strip() == "0 runs left, 0.0 h"
