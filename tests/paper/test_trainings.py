"""Every training of the paper composes, passes our checks and verl's own, and sets no key that verl lacks."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from recipes.paper.commands import Request, plan
from recipes.paper.runs import paper
from speciarl_verl.config.run_checks import check_run
from speciarl_verl.platform_cpu.vllm_distribution import VllmCpuFinder
from speciarl_verl.preflight.compose import compose_config
from tests.config.test_preset_keys import unknown

ROOT = Path(__file__).parents[2]
TRAININGS = [run for run in paper().runs if run.kind == "rl" and run.draw]


@cache
def verls_own() -> DictConfig:
    """verl's configuration without ours."""
    return compose_config([])


def overrides(name: str, folder: Path, scale: str | None = None) -> list[str]:
    """What the command of that run gives to `verl.trainer.main_ppo`."""
    request = Request(folder, folder / "out", "python", judge_url="http://judge", scale=scale)
    (step,) = (step for step in plan(paper(), paper().find(name), request) if step.title == f"train {name}")
    for flag in ("--train", "--val"):
        file = Path(step.command[step.command.index(flag) + 1])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    python = folder / "python"
    python.write_text('#!/bin/sh\nshift\n[ "$1" = verl.trainer.main_ppo ] || exit 0\nshift\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    # The lock is not the machine's: others train here too.
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(python), "SPECIARL_TRAINING_LOCK": str(folder)}
    subprocess.run(step.command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=300)
    # The script keeps verl's output there.
    return (Path(step.command[step.command.index("--out") + 1]) / "train.log").read_text().splitlines()


@pytest.mark.parametrize("name", [run.name for run in TRAININGS])
def test_verl_takes_the_training(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.utils.config import validate_config

    given = overrides(name, tmp_path)
    config = compose_config(given)
    speciarl = check_run(config)
    assert (speciarl.answer.mode, speciarl.judge.name) == ("paper", "server")
    OmegaConf.resolve(config)
    # verl looks for a vLLM while it checks.
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, VllmCpuFinder()])
    actor = config.actor_rollout_ref.actor
    validate_config(config, use_reference_policy=actor.use_kl_loss, use_critic=False)
    assert [one for one in given if one.startswith("+")] == ["+speciarl=train"]
    keys = [tuple(one.split("=")[0].split(".")) for one in given if "/" not in one.split("=")[0] and one[0] != "+"]
    assert unknown(verls_own(), iter(keys)) == ["hydra.searchpath", "hydra.run.dir"]


def test_what_the_ablations_vary_reaches_verl(tmp_path: Path) -> None:
    composed = {name: compose_config(overrides(name, tmp_path)) for name in ("rollouts-15", "noise-25", "st", "binary")}
    assert composed["rollouts-15"].actor_rollout_ref.rollout.n == 15
    assert composed["binary"].speciarl.reward.rule == "binary"
    assert composed["noise-25"].speciarl.reward.judge_noise == 0.25
    st = composed["st"]
    assert (st.data.train_batch_size, st.actor_rollout_ref.actor.optim.lr) == (512, 3e-6)


@pytest.mark.parametrize("name", ["main", "dapo-dynamic", "st"])
def test_the_small_size_of_a_run_passes_too(name: str, tmp_path: Path) -> None:
    config = compose_config(overrides(name, tmp_path, scale="cpu"))
    assert check_run(config).profile == "cpu"
    assert (config.data.train_batch_size, config.trainer.total_training_steps) == (8, 2)
