"""A judge and a rule of somebody else's package: installed, trained with, and found again in the run's files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward
from tests.e2e.conftest import ROOT, World, environment
from tests.e2e.test_training import metrics, rollouts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

OWN_JUDGE = (
    "speciarl.judge.factory=example_speciarl.judges:make_judge",
    "speciarl.judge.options={broad: [bird, songbird]}",
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine on which the example is installed."""
    folder = tmp_path_factory.mktemp("example")
    # A copy: building leaves files beside the source.
    source = shutil.copytree(ROOT / "tests/example_plugin", folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", folder / "site", source], check=True, timeout=300)
    path = os.pathsep.join(filter(None, [str(folder / "site"), os.environ.get("PYTHONPATH")]))
    return {**environment(), "PYTHONPATH": path}


def train(world: World, out: Path, environment: dict[str, str], rule: str) -> "subprocess.CompletedProcess[str]":
    overrides = (*OWN_JUDGE, f"speciarl.reward.rule={rule}", "trainer.total_training_steps=2")
    command = world.command(out, "--judge", "custom", overrides=overrides)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)


def test_own_judge_and_rule_train_and_are_in_the_rollouts_files(
    world: World, installed: dict[str, str], tmp_path: Path
) -> None:
    done = train(world, tmp_path / "out", installed, "example_speciarl.rules:brief_and_dynamic")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    seen = set()
    for step in (1, 2):
        groups = rollouts(tmp_path / "out", step)
        assert len(groups) == 8
        for group in groups:
            symbols = [one["category"] for one in group]
            assert symbols == [expected_category(one) for one in group]
            categories = [None if symbol == "unparseable" else Category.from_label(symbol) for symbol in symbols]
            both = [group_reward(categories, name).rewards for name in ("dynamic", "graded-2")]
            prices = [len(one["answer"].split()) / 64 for one in group]
            expected = [sum(earned) / 2 - price for *earned, price in zip(*both, prices, strict=True)]
            assert [one["reward"] for one in group] == expected
            seen |= {*symbols}
        assert metrics(tmp_path / "out")[step]["training/speciarl/judge/custom"] > 0
    assert len(seen) > 1, "a world in which all answers are alike"


@pytest.mark.full
def test_rule_that_breaks_on_real_data_ends_the_run_with_its_line(
    world: World, installed: dict[str, str], tmp_path: Path
) -> None:
    done = train(world, tmp_path / "out", installed, "example_speciarl.rules:broken_on_real_data")
    assert done.returncode != 0
    text = done.stdout + done.stderr
    (message,) = {line[line.index("training stopped:") :] for line in text.splitlines() if "training stopped:" in line}
    assert "speciarl.reward.rule=example_speciarl.rules:broken_on_real_data: gave the reward nan" in message
    assert not list((tmp_path / "out" / "rollouts").glob("*.jsonl"))


def expected_category(record: dict[str, Any]) -> str:
    """What the example's judge says of the answer, where it is one name."""
    said, true = (set(record[key].lower().split()) for key in ("answer", "ground_truth"))
    if not said:
        return "unparseable"
    if said == true:
        return "S"
    if record["rule"]:
        return "W"
    return "S-" if said < true else "G" if said & {"bird", "songbird"} else "W"
