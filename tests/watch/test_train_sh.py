"""The end of recipes/train.sh: verl's output in a file, a line a step on the terminal, signals, the exit status.

verl is a script here, which `PYTHON` starts in the place of `verl.trainer.main_ppo`; a real one trains in tests/e2e.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.living import alive

ROOT = Path(__file__).parents[2]
PYTHON = """#!/usr/bin/env bash
case "$*" in
  *" preflight "*) exit 0 ;;
  "-m verl.trainer.main_ppo"*) exec {python} {trainer} ;;
  *) exec {python} "$@" ;;
esac
"""
TRAINER = """
import json, os, sys, time
from pathlib import Path
out = Path({out!r})
print("INFO: Total training steps: 2", flush=True)
with open(os.environ["VERL_FILE_LOGGER_PATH"], "a") as metrics:
    data = {{"critic/score/mean": 0.25, "timing_s/step": 12.0}}
    metrics.write(json.dumps({{"step": 1, "data": data}}) + "\\n")
def lasts(): # until the test says so
    (out / "pid").write_text(str(os.getpid()))
    while not (out / "end").exists():
        time.sleep(0.05)
{ending}
"""


class Launch:
    """recipes/train.sh over a scripted trainer; both are gone when the test is over."""

    def __init__(self, tmp_path: Path, ending: str, out: str = "out", **environment: str) -> None:
        self.out = tmp_path / out
        trainer, python = tmp_path / f"{out}-trainer.py", tmp_path / f"{out}-python"
        trainer.write_text(TRAINER.format(out=str(self.out), ending=ending))
        python.write_text(PYTHON.format(python=sys.executable, trainer=trainer))
        python.chmod(0o755)
        for name in ("train", "val"):
            (tmp_path / f"{name}.parquet").touch()
        files = [f"--{name}={tmp_path / name}.parquet" for name in ("train", "val")]
        flags = [part for flag in files for part in flag.split("=")]
        self.process = subprocess.Popen(
            ["bash", "recipes/train.sh", *flags, "--model", "m", "--out", str(self.out)],
            cwd=ROOT,
            env={**os.environ, "PYTHON": str(python), "SPECIARL_TRAINING_LOCK": str(tmp_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As from a terminal: a shell in the background would ignore SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def trainer(self) -> int:
        """Its process id, when it runs."""
        assert self.process.stdout is not None
        pid = self.out / "pid"
        while not (pid.exists() and pid.read_text()):
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return int(pid.read_text())

    def line(self) -> str:
        """The next line on its standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> tuple[int, str, str]:
        """Status, standard output and error output."""
        output, errors = self.process.communicate(timeout=300)
        return self.process.returncode, output, errors


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[[str], Launch]]:
    started: list[Launch] = []

    def start(ending: str, out: str = "out", **environment: str) -> Launch:
        started.append(Launch(tmp_path, ending, out, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.out.exists():
            (one.out / "end").touch()
        one.process.kill()
        one.process.communicate()


def test_second_training_of_a_machine_waits_for_the_first_to_end(launch: Callable[..., Launch]) -> None:
    first = launch("lasts()")
    first.trainer()
    second = launch("print('trained')", "second")
    assert second.line() == "train.sh: another training runs on this machine: waiting up to 60 s for its end"
    (first.out / "end").touch()
    assert first.end()[0] == 0
    status, _, errors = second.end()
    assert (status, errors) == (0, "")
    assert "trained" in (second.out / "train.log").read_text()


def test_second_training_of_a_machine_is_refused_while_the_first_goes_on(
    launch: Callable[..., Launch], tmp_path: Path
) -> None:
    first = launch("lasts()")
    first.trainer()
    # A minute is long for a test.
    impatient = tmp_path / "bin" / "flock"
    impatient.parent.mkdir()
    impatient.write_text(f'#!/bin/bash\nexec {shutil.which("flock")} "${{@/#60/1}}"\n')
    impatient.chmod(0o755)
    second = launch("print('trained')", "second", PATH=f"{impatient.parent}:{os.environ['PATH']}")
    status, _, errors = second.end()
    assert status == 2
    assert errors.startswith("train.sh: another training runs on this machine, and verl takes one at a time")
    assert not second.out.exists()
    assert first.process.poll() is None


def test_training_whose_script_was_killed_still_holds_the_machine(launch: Callable[..., Launch]) -> None:
    first = launch("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); lasts()")
    first.trainer()
    first.process.kill()
    second = launch("print('trained')", "second")
    assert second.line().endswith("waiting up to 60 s for its end")
    (first.out / "end").touch()
    assert second.end()[0] == 0


def test_log_holds_verls_output_and_the_terminal_a_line_a_step(launch: Callable[[str], Launch]) -> None:
    run = launch("print('a wall of text')")
    status, output, errors = run.end()
    assert (status, errors) == (0, "")
    assert [line.strip() for line in output.splitlines()] == [
        f"train.sh: verl's output goes to {run.out}/train.log",
        "step 1/2  reward 0.250  12.0 s  12 s left",
        "train.sh: stopped after step 1 of 2, as it was asked to: the same command goes on from there",
    ]
    assert "a wall of text" in (run.out / "train.log").read_text()
    (metrics,) = (run.out / "metrics").glob("*.jsonl")
    assert json.loads(metrics.read_text())["step"] == 1
    assert json.loads(metrics.with_suffix(".versions.json").read_text())["python"] == platform.python_version()


def test_failed_training_keeps_its_status_and_says_why_and_where_to_read_on(launch: Callable[[str], Launch]) -> None:
    status, _, errors = (run := launch("sys.exit('training stopped: the judge is dead. Start again.')")).end()
    assert status == 1
    assert errors.splitlines() == [
        "train.sh: the training ended with status 1: training stopped: the judge is dead. Start again. "
        f"(all of it: {run.out}/train.log)"
    ]


def test_log_is_appended_to_and_an_earlier_launch_is_not_blamed(
    launch: Callable[[str], Launch], tmp_path: Path
) -> None:
    assert launch("raise ValueError('of the first launch')").end()[0] == 1
    (tmp_path / "out" / "stop").touch()
    status, _, errors = (run := launch("sys.exit(7)")).end()
    assert status == 7
    assert "INFO: Total training steps: 2" in errors
    assert "of the first launch" in (run.out / "train.log").read_text()
    assert not (run.out / "stop").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=["SIGTERM", "SIGUSR1"])
def test_first_signal_asks_for_an_end_after_the_step_and_waits_for_it(
    launch: Callable[[str], Launch], number: signal.Signals
) -> None:
    run = launch("lasts(); sys.exit(5)")
    run.trainer()
    run.process.send_signal(number)
    told = [run.line() for _ in range(3)]
    assert any(f"train.sh: {number.name}: the training is asked to end after this step" in line for line in told), told
    assert (run.out / "stop").exists()
    assert run.process.poll() is None
    (run.out / "end").touch()
    assert run.end()[0] == 5


def test_second_sigterm_ends_the_training_at_once(launch: Callable[[str], Launch]) -> None:
    run = launch("lasts()")
    trainer = run.trainer()
    run.process.send_signal(signal.SIGTERM)
    while not (run.out / "stop").exists():
        time.sleep(0.02)
    # bash may lose a signal that comes while it handles one of the same kind.
    while run.process.poll() is None:
        run.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    status, _, errors = run.end()
    assert status == 128 + signal.SIGTERM
    assert f"the training ended with status {status}" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(trainer, 0)


def test_ctrl_c_ends_the_training_and_the_script(launch: Callable[[str], Launch]) -> None:
    run = launch("lasts()")
    trainer = run.trainer()
    run.process.send_signal(signal.SIGINT)
    status, _, errors = run.end()
    assert status == 128 + signal.SIGINT
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(trainer, 0)


def test_trainer_does_not_outlive_a_script_that_is_killed(launch: Callable[[str], Launch]) -> None:
    run = launch("lasts()")
    trainer = run.trainer()
    run.process.kill()
    # Its standard output is held by the follower too, which ends when the script's end of its pipe is closed.
    assert run.end()[0] == -signal.SIGKILL
    while alive(trainer):
        time.sleep(0.02)
