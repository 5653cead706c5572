"""The design as drawn, in few steps: a judge that was taught, served by SGLang, judges a training of verl."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.conftest import ROOT, environment

pytestmark = [pytest.mark.e2e, pytest.mark.full, pytest.mark.timeout(3000)]

SEED = "1000003"
"""Nobody's own run has it."""
STEPS = 2


@pytest.fixture(scope="module")
def run() -> Path:
    """The folder of the run. Its world stays, as it would for a user."""
    command = ["bash", "recipes/quickstart.sh", "--judge", "sglang", "--seed", SEED, "--steps", str(STEPS)]
    folder = ROOT / "outputs/quickstart" / f"dynamic-sglang-seed{SEED}"
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=2900, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder / "told.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def report(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "judge.json").read_text())
    return found


def test_the_judge_was_measured_on_pairs_that_it_never_saw(report: dict[str, Any]) -> None:
    assert report["accuracy"]["of"] > 1000
    assert report["accuracy"]["value"] > 0.95
    assert sum(map(sum, report["confusion"]["expected_by_given"])) == report["accuracy"]["of"]


def test_every_verdict_of_the_training_was_the_servers(run: Path, report: dict[str, Any]) -> None:
    (account,) = (json.loads(file.read_text()) for file in (run / "train/metrics").glob("*.judge.json"))
    assert account["server"] > 0
    assert account["fast_path"] == account["taxonomy"] == account["failed"] == account["off_menu"] == 0
    assert report["errors"]["judged"] > 0.9 * STEPS * 128
    assert report["errors"]["wrong_verdicts"] < 0.1 * report["errors"]["judged"]
    assert report["audit"]["audited"] > 0
    assert report["audit"]["audit_failed"] == 0


def test_the_report_puts_both_judges_side_by_side(run: Path, report: dict[str, Any]) -> None:
    assert list(report["figures"]) == [
        *("before, by the taxonomy", "before, by the judge"),
        *("after, by the taxonomy", "after, by the judge"),
    ]
    told = (run / "told.txt").read_text()
    assert "taxonomy / judge" in told
    assert f"the taxonomy's own run is missing (bash recipes/quickstart.sh --reward dynamic --seed {SEED}" in told


def test_nothing_is_left_running(run: Path) -> None:
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if f"seed{SEED}/judge" in line]
