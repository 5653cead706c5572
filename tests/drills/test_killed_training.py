"""SIGKILL to each part of a training, or to the raylet below them all, at a random moment of a step: it ends within a
minute with one message that names cause and cure, leaves nothing behind, and the same command goes on from the last
checkpoint.
"""

import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills.processes import adopting
from tests.drills.training import (
    END_S,
    Judge,
    Training,
    assert_no_reward_made_up,
    of_the_judge,
    paid_again,
)
from tests.e2e.conftest import World

pytestmark = [pytest.mark.drill, pytest.mark.timeout(3600)]
logger = logging.getLogger(__name__)

WITHIN_S = 4.0
"""After the rollouts of a step the rest of it, and the next rollouts, take about as long."""


RESUME = "Start the same command again to resume from the last checkpoint."
RESUME_WITHOUT_US = "the same command resumes from the last checkpoint"
"""Of the trainer's own death, which nothing of ours watches."""


@dataclass
class Scene:
    """A judge with its journal, and the training that it judges."""

    training: Training
    journal: Path
    judge: Judge
    killed_at: float = 0.0

    def kill(self, part: "Part", seed: int) -> None:
        """At a moment that the seed draws."""
        self.training.wait_for_step(self.training.saved_step() + 1)
        time.sleep(random.Random(seed).uniform(0, WITHIN_S))
        if part.title is None:
            self.judge.kill()
        else:
            self.training.kill(part.title, seed)
        self.killed_at = time.time()


@pytest.fixture
def scene(world: World, tmp_path: Path) -> Iterator[Scene]:
    journal = tmp_path / "journal"
    journal.touch()
    with adopting():
        judge = Judge(journal)
        command = of_the_judge(world, tmp_path / "out", judge.url, "trainer.total_training_steps=100")
        yield Scene(Training(command, tmp_path / "out"), journal, judge)
        judge.kill()


@dataclass(frozen=True)
class Part:
    """A part of a training: the title of its process (None: the judge's server), and what is said of its death, or one
    of what may be said."""

    name: str
    title: str | None
    message: str | tuple[str, ...]
    rounds: int = 3


PARTS = (
    Part("trainer", "ray::TaskRunnerV1", "the process TaskRunnerV1 of the training died", rounds=10),
    Part("judge", None, "training stopped:", rounds=10),
    Part("agent-loop worker", "ray::SpeciaRLAgentLoopWorker", "training stopped: the agent-loop worker 0 died"),
    Part("vLLM engine", "VLLM::EngineCore", "training stopped: the rollout server 0 died"),
    Part("vLLM server", "ray::vLLMHttpServer", "training stopped: the rollout server 0 died"),
    Part("actor worker", "ray::WorkerDict", "training stopped: the training worker 0 died"),
    # All parts are its forks, and go with it.
    Part("fork server", "speciarl_verl.fork_server.forks", "the process TaskRunnerV1 of the training died"),
)
RAYLET = Part(
    "raylet",
    "raylet/raylet --raylet_socket_name",
    # All parts die with it, and whichever is missed first is named.
    (
        "training stopped: the training worker 0 died",
        "training stopped: the rollout server 0 died",
        "training stopped: the agent-loop worker 0 died",
        "the process TaskRunnerV1 of the training died",
        "a process of the training cannot be reached: its machine died, or Ray's raylet there",
    ),
)


@pytest.mark.parametrize("number", range(max(part.rounds for part in PARTS)))
def test_killed_part_ends_the_run_and_the_next_launch_goes_on(number: int, scene: Scene) -> None:
    """One part after the other; each launch resumes where the one before was killed."""
    for part in (part for part in PARTS if number < part.rounds):
        launch_and_kill(part, scene, seed=hash_of(f"{number} {part.name}"))


def test_killed_raylet_of_the_only_machine_ends_the_run_and_the_next_launch_goes_on(scene: Scene) -> None:
    for number in range(RAYLET.rounds):
        launch_and_kill(RAYLET, scene, seed=number)


def launch_and_kill(part: Part, scene: Scene, seed: int) -> None:
    training = scene.training
    before, killed_before = training.saved_step(), scene.killed_at
    training.start()
    try:
        scene.kill(part, seed)
        assert training.wait(END_S) != 0, part
        logger.info("%s: ended after %.0f s", part.name, time.time() - scene.killed_at)
        said = training.last_words()
        assert said.startswith(part.message)
        assert said.endswith(RESUME if said.startswith("training stopped:") else RESUME_WITHOUT_US)
        assert part.title is not None or scene.judge.url in said
        assert training.left() == []
        # Every step is saved here: what was done before the kill is not done again.
        assert training.saved_step() >= before
        assert max(training.steps()) <= training.saved_step() + 1
        assert_no_reward_made_up(training)
        assert paid_again(scene.journal, killed_before) == []
    finally:
        training.clean_up()
        if part.title is None:
            scene.judge.start()


def hash_of(name: str) -> int:
    """The same in every process."""
    return sum(map(ord, name))
