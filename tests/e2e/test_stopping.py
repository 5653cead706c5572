"""A training that is asked to stop, as a scheduler asks, and one whose part dies where verl would wait for ever."""

from pathlib import Path

import pytest

from tests.drills.processes import adopting
from tests.drills.training import END_S, Training
from tests.e2e.conftest import World

pytestmark = [pytest.mark.e2e, pytest.mark.full, pytest.mark.timeout(2400)]

STEPS = 6
STEP_AND_SAVE_S = 300
"""On however busy a machine."""


def test_asked_to_stop_it_saves_and_the_same_command_goes_on(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # Of its own it would save at the end only.
    keys = (f"trainer.total_training_steps={STEPS}", "trainer.save_freq=100", "trainer.total_epochs=10")
    training = Training(world.command(out, "--taxonomy", str(world.taxonomy), overrides=keys), out)
    with adopting():
        try:
            training.start()
            training.wait_for_step(1)
            assert training.process is not None
            training.process.terminate()
            assert training.wait(STEP_AND_SAVE_S) == 0, training.said()[-4000:]
            stopped = training.saved_step()
            assert 1 <= stopped <= 2
            told = f"train.sh: stopped after step {stopped} of {STEPS}, as it was asked to: the same command goes on"
            assert told in training.log.read_text()
            assert not (out / "stop").exists()
            assert training.left() == []

            training.start()
            training.wait_for_step(stopped + 1)
            # Where verl alone waits for ever.
            training.kill("ray::SpeciaRLAgentLoopWorker", seed=0)
            assert training.wait(END_S) not in (0, None)
            (message,) = training.messages()
            assert message.startswith("training stopped: the agent-loop worker 0 died")
            assert training.left() == []
            assert training.saved_step() == stopped

            training.resume(stopped)
            assert training.steps() == list(range(1, STEPS + 1))
        finally:
            training.clean_up()
