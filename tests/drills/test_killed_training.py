"""SIGKILL to each part of a training at a random moment of a step: it ends within a minute with one message that names
cause and cure, leaves nothing behind, and the same command goes on from the last checkpoint.

The tests of one round share one training: each is a launch that resumes where the launch before was killed.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills.processes import adopting
from tests.drills.training import (
    END_S,
    Training,
    assert_no_reward_made_up,
    free_port,
    of_the_judge,
    paid_again,
)
from tests.e2e.conftest import ROOT, World

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

WITHIN_S = 4.0
"""After the rollouts of a step the rest of it, and the next rollouts, take about as long."""


@dataclass
class Scene:
    """A judge with its journal, and the training that it judges."""

    training: Training
    journal: Path
    killed_at: float = 0.0

    def kill(self, part: str, seed: int) -> None:
        """At a moment that the seed draws."""
        self.training.wait_for_step(self.training.saved_step() + 1)
        time.sleep(random.Random(seed).uniform(0, WITHIN_S))
        self.training.kill(part, seed)
        self.killed_at = time.time()


@pytest.fixture(scope="module", params=range(3), ids=lambda number: f"round{number}")
def scene(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, port = tmp_path_factory.mktemp("drill"), free_port()
    journal = folder / "journal"
    journal.touch()
    judge = subprocess.Popen([sys.executable, "-m", "tests.drills.counting_judge", str(port), str(journal)], cwd=ROOT)
    command = of_the_judge(world, folder / "out", f"http://127.0.0.1:{port}", "trainer.total_training_steps=40")
    with adopting():
        yield Scene(Training(command, folder / "out"), journal)
        judge.kill()
        judge.wait()


DEATHS = {
    "agent-loop worker": ("ray::SpeciaRLAgentLoopWorker", "training stopped: the agent-loop worker 0 died"),
    "vLLM engine": ("VLLM::EngineCore", "training stopped: the rollout server 0 died"),
    "vLLM server": ("ray::vLLMHttpServer", "training stopped: the rollout server 0 died"),
    "actor worker": ("ray::WorkerDict", "training stopped: the training worker 0 died"),
}


@pytest.mark.parametrize("part", DEATHS)
def test_killed_part_ends_the_run_and_the_next_launch_goes_on(
    part: str, scene: Scene, request: pytest.FixtureRequest
) -> None:
    training, (title, message) = scene.training, DEATHS[part]
    before, killed_before = training.saved_step(), scene.killed_at
    training.start()
    try:
        scene.kill(title, seed=hash_of(request.node.name))
        assert training.wait(END_S) != 0
        (said,) = training.messages()
        assert said.startswith(message)
        assert said.endswith("Start the same command again to resume from the last checkpoint.")
        assert training.left() == []
        # Every step is saved here: what was done before the kill is not done again.
        assert training.saved_step() >= before
        assert max(training.steps()) <= training.saved_step() + 1
        assert_no_reward_made_up(training)
        assert paid_again(scene.journal, killed_before) == []
    finally:
        training.clean_up()


def hash_of(name: str) -> int:
    """The same in every process."""
    return sum(map(ord, name))
