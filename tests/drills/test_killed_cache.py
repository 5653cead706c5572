"""SIGKILL to the Redis server that holds the verdicts: the training goes on without it, and says so."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.processes import adopting
from tests.drills.training import Judge, Training, assert_no_reward_made_up, free_port, of_the_judge
from tests.e2e.conftest import World
from tests.e2e.test_training import metrics

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]

STEPS = 4


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    journal = tmp_path / "journal"
    journal.touch()
    with adopting():
        judge = Judge(journal)
        yield judge
        judge.kill()


@pytest.mark.parametrize("number", range(3))
def test_training_goes_on_without_its_cache(number: int, judge: Judge, world: World, tmp_path: Path) -> None:
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", ""], cwd=tmp_path)
    overrides = (f"trainer.total_training_steps={STEPS}", f"speciarl.judge.cache=redis://127.0.0.1:{port}/0")
    training = Training(of_the_judge(world, tmp_path / "out", judge.url, *overrides), tmp_path / "out")
    try:
        training.start()
        training.wait_for_step(1)
        time.sleep(random.Random(number).uniform(0, 4))
        server.kill()
        assert training.wait(1800) == 0, training.said()[-4000:]
        assert training.left() == []
    finally:
        server.kill()
        server.wait()
        training.clean_up()
    assert training.saved_step() == STEPS
    assert_no_reward_made_up(training)
    assert all(step in metrics(training.out) for step in range(1, STEPS + 1))
    assert "WARNING: the verdict cache failed" in training.log.read_text()
