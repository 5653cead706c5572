"""`speciarl name` with the tiny policy in vLLM, as anyone tries it first."""

import subprocess
import sys
from pathlib import Path

import pytest

from recipes.quickstart.policy import PROMPT
from recipes.quickstart.world import ROOT as BIRD
from recipes.quickstart.world import SPECIES, Family
from tests.e2e.conftest import ROOT, World, environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_the_policy_names_two_birds(world: World, tmp_path: Path) -> None:
    images = world.taxonomy.parent / "CUB_200_2011" / "images"
    pictures = [str(path) for path in sorted(images.rglob("*.png"))[:2]]
    command = [sys.executable, "-m", "speciarl_verl.cli", "name", *pictures, "--model", str(world.model)]
    flags = ["--prompt", PROMPT, "--max-tokens", "32", "--thinking"]
    done = subprocess.run(
        [*command, *flags], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    names = {BIRD, *(family.value for family in Family), *(species.label for species in SPECIES)}
    assert [line.rpartition(": ")[0] for line in answers] == pictures
    assert {line.rpartition(": ")[2] for line in answers} <= names
    assert done.stdout.count("    <think>") == 2
