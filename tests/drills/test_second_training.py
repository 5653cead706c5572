"""A second training of one Ray cluster, with the first one's cache: refused before it starts, and the first goes on."""

from pathlib import Path

import pytest

from tests.drills.training import assert_no_reward_made_up
from tests.e2e.conftest import World
from tests.e2e.test_two_nodes import Machines, machines

__all__ = ["machines"]

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("_repetition", range(3))
def test_second_training_is_refused_and_the_first_goes_on(
    machines: Machines, world: World, tmp_path: Path, _repetition: int
) -> None:
    # As many steps as it takes until the second one is refused.
    first = machines.training(world, tmp_path / "out", "trainer.total_training_steps=100")
    second = machines.training(world, tmp_path / "second")
    try:
        first.start()
        first.wait_for_step(1)
        second.start()
        assert second.wait(600) == 2
        assert "another training runs in the Ray cluster at" in second.said().splitlines()[-1]
        assert not second.out.exists()
        seen = first.steps()[-1]
        first.wait_for_step(seen + 1)
        (first.out / "stop").touch()
        assert first.wait(300) == 0, first.said()[-4000:]
    finally:
        second.clean_up()
        first.clean_up()
    assert first.saved_step() > seen
    assert_no_reward_made_up(first)
