"""What is told of a launch while it goes."""

import json
from pathlib import Path

import pytest

from speciarl_verl.watch.follower import Follower, failure
from speciarl_verl.watch.metrics_log import REWARD


def log_step(metrics: Path, step: int) -> None:
    with metrics.open("a") as file:
        file.write(json.dumps({"step": step, "data": {REWARD: 0.5, "timing_s/step": 3.0}}) + "\n")


def test_start_and_every_step_are_told_once(tmp_path: Path) -> None:
    metrics, log = tmp_path / "metrics.jsonl", tmp_path / "train.log"
    follower = Follower(metrics, log)
    assert list(follower.look()) == []
    log.write_text("INFO Started a local Ray instance.\n(TaskRunner pid=7) Total training steps: 12\n")
    assert list(follower.look()) == ["   Started a local Ray instance"]
    log_step(metrics, 1)
    log_step(metrics, 2)
    assert list(follower.look()) == [
        "step  1/12  reward 0.500  3.0 s  33 s left",
        "step  2/12  reward 0.500  3.0 s  30 s left",
    ]
    assert list(follower.look()) == []


def test_resumed_run_is_told_of_this_launch_only(tmp_path: Path) -> None:
    metrics, log = tmp_path / "metrics.jsonl", tmp_path / "train.log"
    before = "Total training steps: 5\nStarted a local Ray instance\n"
    log.write_text(before + "Total training steps: 9\n")
    log_step(metrics, 8)
    assert list(Follower(metrics, log, log_offset=len(before)).look()) == ["step 8/9  reward 0.500  3.0 s  3 s left"]


def test_failure_names_status_reason_and_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    assert failure(1, log, 0) == f"the training ended with status 1: it said nothing (all of it: {log})"
    log.write_text("ValueError: earlier\nValueError: too few rows\n")
    assert "status 1: ValueError: too few rows (all of it" in failure(1, log, len("ValueError: earlier\n"))


def test_failure_by_a_signal_says_from_outside_and_how_to_go_on(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step 7\n")
    said = failure(137, log, 0)
    assert "status 137: ended from outside by SIGKILL, as by the out-of-memory killer" in said
    assert "the same command resumes" in said
    assert "It last said: step 7" in said
    log.write_text("training stopped: the judge is gone.\n")
    assert "from outside" not in failure(143, log, 0), "its own reason came first"


@pytest.mark.parametrize(
    ("logged", "said"),
    [
        pytest.param((), "no step was done in this launch", id="asked while it started"),
        pytest.param((3, 4), "stopped after step 4 of 9", id="asked later"),
        pytest.param((8, 9), None, id="all done"),
    ],
)
def test_early_end_is_told(logged: tuple[int, ...], said: str | None, tmp_path: Path) -> None:
    metrics, log = tmp_path / "metrics.jsonl", tmp_path / "train.log"
    log.write_text("Total training steps: 9\n")
    for step in logged:
        log_step(metrics, step)
    follower = Follower(metrics, log)
    list(follower.look())
    told = follower.early_end()
    assert told is None if said is None else said in str(told)


def test_status_that_is_no_signals_is_told_as_it_is(tmp_path: Path) -> None:
    assert failure(255, tmp_path / "train.log", 0).startswith("the training ended with status 255: it said nothing")
