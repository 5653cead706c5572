"""What a composed configuration must satisfy before a run; each check raises `ConfigError` in one line.

Called twice: by `speciarl preflight` before Ray starts, and inside the run by the agent-loop manager and the reward
manager, for those who start `main_ppo` themselves. Needs neither verl nor torch.
"""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from speciarl_verl.config.hosted_judge_checks import check_hosted_judge, check_ray_gpus
from speciarl_verl.config.schema import SpeciaRLConfig, parse_config
from speciarl_verl.errors import ConfigError

OUR_AGENT_LOOP = "speciarl"
OUR_TRAINER_MODES = ("speciarl", "sync")
"""The trainer of ours, and what it calls itself from its construction on; verl's own works as well, unwatched."""
RAY_ACTOR_CONCURRENCY = 1000
"""Calls that Ray runs at once in one async actor, unless told otherwise."""


def check_run(config: DictConfig) -> SpeciaRLConfig:
    """Everything that can be told from the configuration alone.

    Raises:
        ConfigError: naming the key and the cure.
    """
    speciarl = parse_config(_plain(config, "speciarl"))
    _check_ignored_keys(config)
    _check_trainer(config)
    _check_groups(config)
    _check_support(config, speciarl)
    _check_overlong(config, speciarl)
    check_reward_workers(config)
    check_hosted_judge(config, hosted=speciarl.judge.name == "hosted")
    check_ray_gpus(config)
    return speciarl


def check_reward_workers(config: DictConfig) -> None:
    """Over verl's reward workers siblings meet only in one worker, below Ray's limit of calls in flight.

    Raises:
        ConfigError: this configuration would part or park them.
    """
    if config.actor_rollout_ref.rollout.agent.default_agent_loop == OUR_AGENT_LOOP:
        return
    if config.reward.num_workers != 1:
        raise ConfigError(
            f"reward.num_workers={config.reward.num_workers}: the rollouts of one image must meet in one reward worker:"
            f" set it to 1, or actor_rollout_ref.rollout.agent.default_agent_loop={OUR_AGENT_LOOP}"
        )
    in_flight = config.data.train_batch_size * config.actor_rollout_ref.rollout.n
    if in_flight >= RAY_ACTOR_CONCURRENCY:
        raise ConfigError(
            f"{in_flight} rollouts in flight exceed what one reward worker can hold ({RAY_ACTOR_CONCURRENCY - 1}) and "
            f"would park each other: set actor_rollout_ref.rollout.agent.default_agent_loop={OUR_AGENT_LOOP}"
        )


def _plain(config: DictConfig, key: str) -> Any:
    node = OmegaConf.select(config, key)
    return OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node


def _check_ignored_keys(config: DictConfig) -> None:
    """verl's V1 trainer composes these legacy keys and never reads them."""
    for key in ("reward_model", "custom_reward_function", "sandbox_fusion"):
        for path, value in _leaves(_plain(config, key), key):
            if value is not None:
                raise ConfigError(f"{path}={value} is ignored by verl's V1 trainer: use reward.{path} if you need it")
    if config.actor_rollout_ref.actor.get("freeze_vision_tower"):
        raise ConfigError(
            "actor_rollout_ref.actor.freeze_vision_tower is read by no FSDP actor of verl 0.9.1: leave it out (a LoRA "
            "run trains the language model alone)"
        )
    if config.reward.custom_reward_function.path is not None:
        raise ConfigError("reward.custom_reward_function is not used: the reward is chosen by speciarl/reward=NAME")


def _leaves(node: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in _leaves(value, f"{path}.{key}")]
    return [(path, node)]


def _check_trainer(config: DictConfig) -> None:
    if not config.trainer.use_v1 or config.trainer.v1.trainer_mode not in OUR_TRAINER_MODES:
        raise ConfigError("trainer.use_v1=true and trainer.v1.trainer_mode=speciarl are the only trainer supported")
    manager = config.reward.reward_manager
    if (manager.source, manager.name) != ("register", "speciarl"):
        raise ConfigError(
            f"reward.reward_manager.name={manager.name}: the reward manager is speciarl (source=register)"
        )


def _check_groups(config: DictConfig) -> None:
    rollout, actor = config.actor_rollout_ref.rollout, config.actor_rollout_ref.actor
    if rollout.n < 2:
        raise ConfigError(f"actor_rollout_ref.rollout.n={rollout.n}: a group needs 2 rollouts or more to compare")
    if actor.use_dynamic_bsz:
        return
    workers = config.trainer.nnodes * config.trainer.n_gpus_per_node
    for key, prompts in (
        ("actor.ppo_micro_batch_size_per_gpu", actor.ppo_mini_batch_size),
        ("rollout.log_prob_micro_batch_size_per_gpu", config.data.train_batch_size),
        ("ref.log_prob_micro_batch_size_per_gpu", config.data.train_batch_size),
    ):
        micro = OmegaConf.select(config.actor_rollout_ref, key)
        if micro and prompts * rollout.n % (micro * workers):
            raise ConfigError(
                f"actor_rollout_ref.{key}={micro} on {workers} workers does not divide {prompts} prompts x "
                f"{rollout.n} rollouts"
            )


def _check_support(config: DictConfig, speciarl: SpeciaRLConfig) -> None:
    support, rollouts = speciarl.reward.support, config.actor_rollout_ref.rollout.n
    if support > rollouts:
        raise ConfigError(
            f"speciarl.reward.support={support} is more than actor_rollout_ref.rollout.n={rollouts}: no group could "
            "raise its bar"
        )


def _check_overlong(config: DictConfig, speciarl: SpeciaRLConfig) -> None:
    overlong, longest = speciarl.reward.overlong, config.data.max_response_length
    if overlong.enable and overlong.buffer_tokens >= longest:
        raise ConfigError(
            f"speciarl.reward.overlong.buffer_tokens={overlong.buffer_tokens} must be below "
            f"data.max_response_length={longest}"
        )
