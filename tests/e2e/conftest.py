"""A small bird world and a briefly warmed-up policy, made once for all trainings."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """What a training is given."""

    train: Path
    val: Path
    model: Path
    taxonomy: Path

    def command(self, out: Path, *flags: str, overrides: tuple[str, ...] = ()) -> list[str]:
        """`recipes/train.sh` on this world."""
        files = ["--train", self.train, "--val", self.val, "--model", self.model, "--out", out]
        small = [
            "data.train_batch_size=8",
            "actor_rollout_ref.actor.ppo_mini_batch_size=8",
            "trainer.val_before_train=false",
        ]
        return ["bash", "recipes/train.sh", *map(str, files), "--profile", "cpu", *flags, "--", *small, *overrides]


def python_module(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", *map(str, arguments)], cwd=ROOT, check=True, timeout=1500)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    python_module("recipes.quickstart.birds", "--out", root / "birds", "--train", 1, "--test", 1)
    cub = ["--source", root / "birds" / "CUB_200_2011", "--out", root / "data", "--val-size", 8]
    python_module("data_prep", "cub", *cub)
    python_module("recipes.quickstart.warmup", "--out", root / "warm", "--steps", 80, "--pictures", 640)
    data = root / "data"
    return World(data / "train.parquet", data / "val.parquet", root / "warm", root / "birds" / "taxonomy.json")
