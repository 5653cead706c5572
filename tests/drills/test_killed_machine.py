"""SIGKILL to the raylet of one of two machines: the run ends by name; with the machine back, the command goes on."""

import logging
import random
import re
import time
from pathlib import Path

import pytest

from tests.drills.test_killed_training import RESUME, RESUME_WITHOUT_US
from tests.drills.training import END_S, assert_no_reward_made_up, paid_again
from tests.e2e.conftest import World
from tests.e2e.test_two_nodes import STEPS, Machines, machines

__all__ = ["machines"]

logger = logging.getLogger(__name__)
_NAMED = (
    "training stopped: the .* died: |the process TaskRunnerV1 of the training died: |"
    "a process of the training cannot be reached: its machine died"
)
pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("number", range(3))
def test_training_ends_with_its_machine_and_resumes_when_it_is_back(
    number: int, machines: Machines, world: World, tmp_path: Path
) -> None:
    training = machines.training(world, tmp_path / "out")
    try:
        training.start()
        training.wait_for_step(2)
        time.sleep(random.Random(number).uniform(0, 4))
        machines.kill_the_joined()
        killed_at = time.time()
        assert training.wait(END_S) != 0
        logger.info("raylet: ended after %.0f s", time.time() - killed_at)
        said = training.last_words()
        # The trainer's own process is on either of the two.
        assert re.match(_NAMED, said), said
        assert said.endswith((RESUME, RESUME_WITHOUT_US))
        reached = training.saved_step()
        assert reached >= 1

        machines.join()
        training.resume(reached)
    finally:
        training.clean_up()
    assert training.saved_step() == STEPS
    assert_no_reward_made_up(training)
    assert paid_again(machines.journal, killed_at) == []
