"""`recipes/evaluate.sh` finds the paper's sets and passes everything else on."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.evaluation.small_set import write_set
from tests.evaluation.vision_server import running

ROOT = Path(__file__).parents[2]


def evaluate(data: Path, *flags: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "recipes/evaluate.sh", *map(str, flags)],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, "DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_the_sets_that_are_there_are_evaluated(tmp_path: Path) -> None:
    for name in ("oxford_pets", "fgvc_aircraft"):
        (tmp_path / name).mkdir()
        write_set(tmp_path / name / "test.parquet", ["Blue Jay", "Cardinal"], dataset=name)
    with running() as server:
        done = evaluate(tmp_path, "--server", server.url, "--out", tmp_path / "run", "--stages", "predict")
    assert done.returncode == 0, done.stderr
    left_out = [line for line in done.stderr.splitlines() if line.startswith("evaluate.sh: ")]
    assert [line.split("/")[-2] for line in left_out] == ["flowers102", "food101", "stanford_cars"]
    lines = (tmp_path / "run" / "predictions.jsonl").read_text().splitlines()
    assert sorted({json.loads(line)["dataset"] for line in lines}) == ["fgvc_aircraft", "oxford_pets"]


def test_own_data_take_their_place(tmp_path: Path) -> None:
    file = write_set(tmp_path / "mine.parquet", ["Blue Jay"])
    with running() as server:
        flags = ("--data", file, "--server", server.url, "--out", tmp_path / "run", "--stages", "predict")
        done = evaluate(tmp_path, *flags)
    assert done.returncode == 0, done.stderr
    assert "evaluate.sh: " not in done.stderr
    assert len((tmp_path / "run" / "predictions.jsonl").read_text().splitlines()) == 1


def test_a_refusal_is_one_line_and_status_2(tmp_path: Path) -> None:
    done = evaluate(tmp_path, "--data", tmp_path / "nowhere.parquet", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert [line for line in done.stderr.splitlines() if "nowhere.parquet: no such file" in line] == [
        done.stderr.strip()
    ]
