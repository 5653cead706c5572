"""What verl must be told when it hosts the judge: each fault that verl would meet late, or never, is a `ConfigError`.

Config keys: `reward.reward_model.*` under `speciarl/judge=hosted`. Facts from verl 0.9.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from omegaconf import DictConfig, OmegaConf

from speciarl_verl.errors import ConfigError

ENGINES = ("sglang", "vllm")


@dataclass(frozen=True)
class _Requirement:
    """One key below `reward.reward_model`, whether its value will do, and what else would happen."""

    key: str
    met: bool
    cure: str


def check_hosted_judge(config: DictConfig, hosted: bool) -> None:
    """A judge hosted by verl is asked for exactly when the judge is `hosted`, and its settings let it answer.

    Raises:
        ConfigError: naming the key and the cure.
    """
    if not hosted:
        if config.reward.reward_model.enable:
            raise ConfigError(
                "reward.reward_model.enable=true hosts a model that nobody asks: choose speciarl/judge=hosted"
            )
        return
    for requirement in _requirements(config):
        if not requirement.met:
            key = f"reward.reward_model.{requirement.key}"
            raise ConfigError(f"{key}={OmegaConf.select(config, key)}: {requirement.cure}")
    # Over verl's reward workers the answer of a model with `enable` is taken for the reward itself.
    agent_loop = config.actor_rollout_ref.rollout.agent.default_agent_loop
    if agent_loop != "speciarl":
        raise ConfigError(
            f"actor_rollout_ref.rollout.agent.default_agent_loop={agent_loop} would let verl score with the hosted "
            "model past the reward manager: the hosted judge needs the agent loop speciarl"
        )
    if config.reward.num_workers < 1:
        raise ConfigError("reward.num_workers=0: the hosted judge's address comes from a reward worker; set it to 1")


def hosted_judge_gpus(config: DictConfig) -> int:
    """How many GPUs verl sets apart for the judge; 0 when it hosts none."""
    model = config.reward.reward_model
    return model.nnodes * model.n_gpus_per_node if model.enable else 0


def check_ray_gpus(config: DictConfig) -> None:
    """Where Ray is told how many GPUs there are, they must do for training and judge.

    Raises:
        ConfigError: with the number needed.
    """
    declared = config.ray_kwargs.ray_init.get("num_gpus")
    training, judging = config.trainer.nnodes * config.trainer.n_gpus_per_node, hosted_judge_gpus(config)
    if declared is not None and declared < training + judging:
        raise ConfigError(
            f"ray_kwargs.ray_init.num_gpus={declared}, and verl needs {training + judging} ({training} for training, "
            f"{judging} for the judge)"
        )


def _requirements(config: DictConfig) -> Iterator[_Requirement]:
    model = config.reward.reward_model
    yield _Requirement("enable", model.enable, "speciarl/judge=hosted needs true")
    yield _Requirement("model_path", bool(model.model_path), "name the judge's model (train.sh: --judge-model)")
    for key in ("n_gpus_per_node", "nnodes"):
        yield _Requirement(key, model[key] > 0, "the judge needs a GPU or more of its own (train.sh: --judge-gpus)")
    pooled = "needs true: without GPUs of its own the judge is asleep while rollouts are judged"
    yield _Requirement("enable_resource_pool", model.enable_resource_pool, pooled)
    rollout = model.rollout
    yield _Requirement("rollout.name", rollout.name in ENGINES, f"choose one of {', '.join(ENGINES)}")
    asleep = "needs false: verl would put the judge's servers to sleep and nothing would wake them"
    yield _Requirement("rollout.free_cache_engine", not rollout.free_cache_engine, asleep)
    dummy = "the judge would start with random weights: set it to auto"
    yield _Requirement("rollout.load_format", rollout.load_format != "dummy", dummy)
    single = "needs false: verl would let the judge take one request at a time"
    yield _Requirement("rollout.full_determinism", not rollout.full_determinism, single)
    replica, gpus = rollout.tensor_model_parallel_size * rollout.data_parallel_size, hosted_judge_gpus(config)
    divides = f"with data_parallel_size={rollout.data_parallel_size} it must divide the judge's {gpus} GPUs"
    yield _Requirement("rollout.tensor_model_parallel_size", gpus % replica == 0, divides)
