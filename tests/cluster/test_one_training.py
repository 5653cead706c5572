"""A Ray cluster that is joined: with a training in it, with one that is ending, with none, and no cluster."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# By its controller a training is known; that verl's is called so, tests/config/test_verl_contract.py holds, and that a
# whole training is seen, tests/drills/test_second_training.py.
TRAINING = """
import ray
ray.init(num_cpus=1, include_dashboard=False, object_store_memory=80_000_000, log_to_driver=False)

@ray.remote
class Controller:
    def here(self):
        return True

controller = Controller.options(name="TransferQueueController", namespace="transfer_queue").remote()
ray.get(controller.here.remote())
print("ADDRESS", ray.get_runtime_context().gcs_address, flush=True)
input()
ray.kill(controller)
print("CLOSED", flush=True)
input()
"""


def start(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        # The first as train.sh has it; Ray has its workers stand behind everything else on the machine.
        env={**os.environ, "RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask(address: str, seconds: float) -> "subprocess.Popen[str]":
    return start("recipes/cluster/one_training.py", "--address", address, "--seconds", str(seconds))


def assert_refused(asked: "subprocess.Popen[str]", message: str) -> None:
    lines = asked.communicate()[0].splitlines()
    assert asked.returncode == 2, lines
    assert lines[-1].startswith(f"train.sh: {message}")


def after(process: "subprocess.Popen[str]", word: str) -> str:
    """What follows the word in the first line that begins with it."""
    assert process.stdout is not None
    return next(line.removeprefix(word).strip() for line in process.stdout if line.startswith(word))


@pytest.fixture
def training() -> Iterator["subprocess.Popen[str]"]:
    process = start("-c", TRAINING)
    yield process
    process.kill()
    process.communicate()


def test_second_training_is_refused_until_the_first_has_ended(training: "subprocess.Popen[str]") -> None:
    address = after(training, "ADDRESS")
    assert_refused(ask(address, 0), f"another training runs in the Ray cluster at {address}, and a cluster takes one")

    waiting = ask(address, 600)
    assert after(waiting, "a training is in").endswith("waiting up to 600 s for its end")
    assert training.stdin is not None
    print(file=training.stdin, flush=True)
    after(training, "CLOSED")
    waiting.communicate()
    assert waiting.returncode == 0


def test_cluster_that_is_not_there_is_named() -> None:
    assert_refused(ask("127.0.0.1:1", 0), "no Ray cluster answers at 127.0.0.1:1 (RAY_ADDRESS): start it with")
