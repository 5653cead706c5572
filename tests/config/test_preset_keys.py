"""Whatever a preset or a command of the paper sets, verl has: a key that it lost would be added and read by nobody."""

import dataclasses
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hydra.utils import get_class
from omegaconf import DictConfig

from speciarl_verl.preflight.compose import compose_config

OURS = ("speciarl", "data.speciarl", "trainer.v1.sampler.sampler_kwargs")
"""Nodes of ours; the last is handed to our replay buffer, which refuses what it does not know."""
OPEN = (
    "actor_rollout_ref.model.override_config",  # of transformers' configuration
    "model.override_config",
    "actor_rollout_ref.rollout.engine_kwargs",  # of vllm.LLM
    "reward.reward_model.rollout.engine_kwargs",  # of the judge's engine
    "ray_kwargs.ray_init",  # of ray.init
)
"""Nodes that verl hands to somebody else as they are."""

PRESETS = files("speciarl_verl.config") / "speciarl"
FILES = [
    "train.yaml",
    *(f"{group}/{p.name}" for group in ("algo", "profile", "judge") for p in (PRESETS / group).iterdir()),
]


@pytest.fixture(scope="module")
def base() -> DictConfig:
    """verl's own configuration, without us."""
    return compose_config([])


@pytest.fixture(scope="module")
def sft_base() -> DictConfig:
    """The same of its SFT trainer."""
    return compose_config([], "sft_trainer_engine")


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(node, dict) or not node:
        yield path
        return
    for key, value in node.items():
        yield from leaves(value, (*path, key))


def verl_knows(base: DictConfig, path: tuple[str, ...]) -> bool:
    """The key stands in verl's YAML, or is a field of the dataclass that verl makes of the node."""
    node: Any = base
    for key in path:
        if not isinstance(node, DictConfig):
            # Below a value of no fixed form, such as a dict that is null by default.
            return True
        if key in node.keys():  # noqa: SIM118 (`in` is false for a value that is missing by purpose)
            node = node._get_node(key)
            continue
        target = node.get("_target_")
        # A field's own parts are read by the dataclass that has it.
        return target is not None and key in {field.name for field in dataclasses.fields(get_class(target))}
    return True


def unknown(base: DictConfig, paths: Iterator[tuple[str, ...]]) -> list[str]:
    names = {".".join(path): path for path in paths}
    foreign = {name: path for name, path in names.items() if not name.startswith((*OURS, *OPEN))}
    return [name for name, path in foreign.items() if not verl_knows(base, path)]


@pytest.mark.parametrize("file", FILES)
def test_verl_has_every_key_that_a_preset_sets(file: str, base: DictConfig) -> None:
    text = (PRESETS / file).read_text()
    settings = yaml.safe_load(text)
    settings.pop("defaults", None)
    if "@package speciarl" not in text:
        assert unknown(base, leaves(settings)) == []


@pytest.mark.parametrize("profile", ["cpu", "gpu", "gpu-sdpa"])
def test_verls_sft_trainer_has_every_key_of_its_preset(profile: str, sft_base: DictConfig) -> None:
    from verl.utils.config import omega_conf_to_dataclass

    settings = yaml.safe_load((PRESETS / "sft" / f"{profile}.yaml").read_text())
    settings.pop("defaults", None)
    assert unknown(sft_base, leaves(settings)) == []
    preset = ["hydra.searchpath=[pkg://speciarl_verl.config]", f"+speciarl/sft={profile}"]
    config = compose_config(preset, "sft_trainer_engine")
    engine = omega_conf_to_dataclass(config.engine)
    assert (engine.strategy, engine.dtype) == ("fsdp2", "float32" if profile == "cpu" else "bfloat16")
    assert omega_conf_to_dataclass(config.checkpoint).save_lora_only
    assert omega_conf_to_dataclass(config.optim).lr_scheduler_type == "cosine"


def test_a_key_that_verl_lacks_is_found(base: DictConfig) -> None:
    lost = {"actor_rollout_ref": {"actor": {"clip_ratio_hihg": 0.28, "checkpoint": {"save_lora_only": True}}}}
    assert unknown(base, leaves(lost)) == ["actor_rollout_ref.actor.clip_ratio_hihg"]
