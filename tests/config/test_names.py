"""The names of algorithms, rewards, judges and profiles stand once, as the files of the presets."""

import subprocess
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from speciarl_verl.config.schema import SpeciaRLConfig
from speciarl_verl.judge.judge_config import RunJudgeConfig
from speciarl_verl.method.rules import STATIC_REWARDS, RewardName
from speciarl_verl.preflight.compose import compose_config
from tests.config.test_run_checks import PRESET, PRESETS, presets

ROOT = Path(__file__).parents[2]
JUDGES = {kind.model_fields["name"].default: kind for kind in get_args(get_args(RunJudgeConfig)[0])}


def preset(group: str, name: str) -> Any:
    return yaml.safe_load((PRESETS / group / f"{name}.yaml").read_text())


def test_rewards_of_the_presets_are_the_methods() -> None:
    assert {*presets("reward")} == {*get_args(RewardName)}
    assert {*STATIC_REWARDS} < {*get_args(RewardName)}
    assert all(preset("reward", name)["rule"] == name for name in presets("reward"))


def test_judges_of_the_presets_are_the_schemas_with_all_their_keys() -> None:
    assert {*presets("judge")} == {*JUDGES}
    for name, kind in JUDGES.items():
        node = preset("judge", name)
        node = node["speciarl"]["judge"] if "speciarl" in node else node
        assert (node["name"], {*node}) == (name, {*kind.model_fields})


def test_profiles_of_the_presets_are_the_schemas_or_variants_of_them() -> None:
    known = {*get_args(SpeciaRLConfig.model_fields["profile"].annotation)}
    assert known <= {*presets("profile")}
    for name in presets("profile"):
        (based_on,) = {one for one in known if name.partition("-")[0] == one}
        node = compose_config([*PRESET, f"speciarl/profile={name}"])
        assert node.speciarl.profile == based_on


@pytest.mark.parametrize(
    ("recipe", "group"),
    [
        *(("train.sh", group) for group in ("algo", "reward", "judge", "profile")),
        ("quickstart.sh", "reward"),
    ],
)
def test_recipe_offers_the_names_of_the_presets(recipe: str, group: str) -> None:
    refused, helped = (
        subprocess.run(["bash", f"recipes/{recipe}", *flags], cwd=ROOT, capture_output=True, text=True, check=False)
        for flags in ([f"--{group}", "no-such"], ["--help"])
    )
    assert refused.returncode == 2
    offered = refused.stderr.strip().rpartition("choose one of ")[2].split()
    assert sorted(offered) == presets(group)
    (line,) = (line for line in helped.stdout.splitlines() if line.strip().startswith(f"--{group} "))
    assert all(name in line for name in presets(group))
