"""verl's own main_ppo, on the CPU: Ray, TransferQueue, an FSDP2 actor, vLLM rollouts, our reward. Nothing is a mock."""

import json
import math
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward
from speciarl_verl.run_report.writing import write_report
from tests.e2e.conftest import ROOT, World, environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def train(command: list[str], log: Path) -> int:
    with log.open("w") as output:
        return subprocess.run(
            command, cwd=ROOT, env=environment(), stdout=output, stderr=output, timeout=600
        ).returncode


def trainer_of(script: int) -> int:
    """The process id of `verl.trainer.main_ppo` under a train.sh."""
    children = Path(f"/proc/{script}/task/{script}/children").read_text().split()
    (trainer,) = [child for child in children if b"main_ppo" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return int(trainer)


def metric_files(out: Path) -> list[Path]:
    """verl's metrics, one file a launch, in the order of the launches; the judge's account lies beside each."""
    return sorted((out / "metrics").glob("*.jsonl"))


def metrics(out: Path) -> dict[int, dict[str, float]]:
    """What verl logged, by step."""
    lines = [json.loads(line) for file in metric_files(out) for line in file.read_text().splitlines()]
    return {line["step"]: line["data"] for line in lines}


def rollouts(out: Path, step: int) -> list[list[dict[str, Any]]]:
    """The judged rollouts of a step, one list a group."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in (out / "rollouts" / f"{step}.jsonl").read_text().splitlines():
        record = json.loads(line)
        groups.setdefault(record["uid"], []).append(record)
    return list(groups.values())


def weights(model: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for file in model.glob("*.safetensors") for name, tensor in load_file(file).items()}


def assert_trained(out: Path, world: World, steps: int, log: Path) -> None:
    logged = metrics(out)
    assert set(range(1, steps + 1)) <= logged.keys(), log.read_text()[-3000:]
    for step in range(1, steps + 1):
        figures = logged[step]
        assert math.isfinite(figures["critic/score/mean"])
        assert math.isfinite(figures["actor/pg_loss"])
        assert figures["actor/grad_norm"] > 0
        assert figures["training/rollout_probs_diff_mean"] < 1e-3
        shares = [value for key, value in figures.items() if key.startswith("training/speciarl/share/")]
        assert sum(shares) == pytest.approx(1)
        assert figures["training/speciarl/groups_lost"] == 0
        answered = sum(record["category"] != "unparseable" for group in rollouts(out, step) for record in group)
        assert figures["training/speciarl/judge/asked"] >= answered
        assert figures["training/speciarl/judge_wait_s"] >= 0
        assert sum("text" in record for group in rollouts(out, step) for record in group) == 8 * 8
        assert all(record["image"] for group in rollouts(out, step) for record in group)
    assert [key for key in logged[steps] if key.startswith("val-core/") and key.endswith("/hm")]
    before, after = weights(world.model), weights(out / f"checkpoints/global_step_{steps}/actor/huggingface")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert (out / "checkpoints/latest_checkpointed_iteration.txt").read_text() == str(steps)


def assert_group_rule(groups: list[list[dict[str, Any]]], reward_key: str = "reward") -> None:
    assert len(groups) == 8
    for group in groups:
        assert [record["session_id"] for record in group] == list(range(8))
        categories = [
            None if record["category"] == "unparseable" else Category.from_label(record["category"]) for record in group
        ]
        expected = group_reward(categories)
        assert tuple(record[reward_key] for record in group) == expected.rewards
        assert {record["best"] for record in group} == {"" if expected.best is None else expected.best.symbol}
    assert len({record["category"] for group in groups for record in group}) > 1, (
        "a world in which all answers are alike"
    )


def test_grpo_trains_and_resumes_after_being_killed(world: World, tmp_path: Path) -> None:
    out, log = tmp_path / "grpo", tmp_path / "grpo.log"
    steps = ("trainer.total_training_steps=4", "trainer.save_freq=1", "trainer.total_epochs=10")
    command = world.command(out, "--taxonomy", str(world.taxonomy), overrides=steps)
    latest = out / "checkpoints/latest_checkpointed_iteration.txt"
    with log.open("w") as output:
        script = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=output)
        while script.poll() is None and not (latest.exists() and latest.read_text().strip() == "2"):
            time.sleep(0.2)
        assert script.poll() is None, log.read_text()[-3000:]
        os.kill(trainer_of(script.pid), signal.SIGKILL)
        assert script.wait() == 128 + signal.SIGKILL
    reached = int(latest.read_text())
    assert reached < 4, "the run was over before it could be killed"

    resumed = tmp_path / "resumed.log"
    assert train(command, resumed) == 0, resumed.read_text()[-3000:]
    said = (out / "train.log").read_text()
    assert f"Resuming from {out}/checkpoints/global_step_{reached}" in said
    assert "threads of the fork server" not in said
    # verl's seven workers and vLLM's engine, of each launch.
    assert all(int(forked) >= 8 for forked in re.findall(r"fork server: (\d+) processes", said))
    assert said.count("fork server: ") == 2
    lines = [line for line in resumed.read_text().splitlines() if line.startswith("step ")]
    assert [line.split()[1] for line in lines] == [f"{step}/4" for step in range(reached + 1, 5)]
    second_launch = metric_files(out)[-1].read_text().splitlines()
    assert json.loads(second_launch[0])["step"] == reached + 1
    assert_trained(out, world, steps=4, log=resumed)
    assert_group_rule(rollouts(out, 1))
    assert_group_rule(rollouts(out, 4))
    assert "actor/kl_loss" in metrics(out)[4]
    page = write_report([out], out / "report").read_text()
    assert "4 of 4" in page
    # Of 82 pictures 32 were seen.
    assert "No picture came twice" in page
    assert page.count("data:image/png;base64,") >= 2


@pytest.mark.parametrize("algo", ["drgrpo", "dapo"])
def test_algorithm_trains(algo: str, world: World, tmp_path: Path) -> None:
    out, log = tmp_path / algo, tmp_path / f"{algo}.log"
    # The fewest logical CPUs that `check_ray_cpus` lets pass: with fewer verl would wait for ever.
    steps = ("trainer.total_training_steps=2", "ray_kwargs.ray_init.num_cpus=7")
    assert train(world.command(out, "--taxonomy", str(world.taxonomy), "--algo", algo, overrides=steps), log) == 0, (
        log.read_text()[-3000:]
    )
    assert_trained(out, world, steps=2, log=log)
    groups = rollouts(out, 1)
    assert_group_rule(groups, reward_key="group_reward")
    assert "actor/kl_loss" not in metrics(out)[2]
    penalties = {record["reward"] - record["group_reward"] for group in groups for record in group}
    assert all(-1 <= penalty <= 0 for penalty in penalties) if algo == "dapo" else penalties == {0}
