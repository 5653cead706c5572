"""Whatever the presets name, verl's own loaders find; whatever they set, verl's own dataclasses take."""

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from omegaconf import OmegaConf

from speciarl_verl.platform_cpu.vllm_distribution import VllmCpuFinder
from speciarl_verl.preflight.compose import compose_config
from tests.config.test_run_checks import ALGOS, CPU, PRESET


@pytest.fixture(scope="module")
def config() -> Any:
    return compose_config(CPU)


def test_classes_named_by_the_preset_are_what_verl_expects(config: Any) -> None:
    from torch.utils.data import Dataset
    from verl.trainer.ppo.reward import resolve_reward_manager_cls
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer
    from verl.utils.dataset.rl_dataset import get_dataset_class
    from verl.utils.import_utils import load_class_from_fqn, load_extern_type

    sampler = config.trainer.v1.sampler.custom_sampler
    assert issubclass(load_extern_type(sampler.path, sampler.name), ReplayBuffer)
    manager = config.actor_rollout_ref.rollout.agent.agent_loop_manager_class
    assert issubclass(load_class_from_fqn(manager, "AgentLoopManager"), AgentLoopManagerTQ)
    assert issubclass(get_dataset_class(config.data), Dataset)
    assert resolve_reward_manager_cls(config).__name__ == "SpeciaRLRewardManager"


def test_verl_calls_what_the_replay_buffer_overrides() -> None:
    """A poll that verl renames would leave a dead judge unseen."""
    import inspect

    from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer

    assert "self._sync_metadata_from_transfer_queue()" in inspect.getsource(inspect.unwrap(ReplayBuffer.sample))


def test_a_training_is_known_by_the_controller_of_its_transfer_queue() -> None:
    """By it recipes/cluster/one_training.py sees one in a cluster; a second would be attached to it."""
    import inspect

    import transfer_queue.interface as interface

    named = 'name="TransferQueueController", namespace="transfer_queue"'
    assert named in inspect.getsource(interface.init)
    assert "get_actor" in inspect.getsource(interface._init_from_existing)


@pytest.mark.parametrize("algo", ALGOS)
@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_verl_takes_the_presets(algo: str, profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from verl.utils.config import omega_conf_to_dataclass, validate_config

    config = compose_config([*PRESET, f"speciarl/algo={algo}", f"speciarl/profile={profile}"])
    OmegaConf.resolve(config)
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    rollout = omega_conf_to_dataclass(config.actor_rollout_ref.rollout)
    assert (actor.strategy, rollout.agent.default_agent_loop) == ("fsdp2", "speciarl")
    assert omega_conf_to_dataclass(config.algorithm).adv_estimator == "grpo"
    if profile == "gpu":
        # verl looks for a vLLM while it checks.
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, VllmCpuFinder()])
        validate_config(config, use_reference_policy=actor.use_kl_loss, use_critic=False)


def test_verl_reads_freeze_vision_tower_nowhere_still_refused() -> None:
    """Once an actor reads it, it need not be refused."""
    import verl

    root = Path(verl.__file__).parent
    readers = [path.name for path in root.rglob("*.py") if "freeze_vision_tower" in path.read_text(encoding="utf-8")]
    assert readers == ["actor.py"]


def test_warnings_are_not_muted_in_the_workers_and_still_would_be(config: Any) -> None:
    """The package that vLLM's server imports sets the level of the root logger, to ERROR unless it is told another."""
    from tests.fresh_python import run

    code = """
        import logging
        import model_hosting_container_standards.logging_config
        print(logging.getLevelName(logging.root.level))
    """
    muted = "SAGEMAKER_CONTAINER_LOG_LEVEL"
    assert run(code, **{muted: config.ray_kwargs.ray_init.runtime_env.env_vars[muted]}) == "WARNING"
    assert run(f"import os; os.environ.pop('{muted}', None); os.environ.pop('LOG_LEVEL', None)\n" + dedent(code)) == (
        "ERROR"
    )
