"""Presets compose over verl's own configuration, and what cannot work is refused in one line that names the key."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from speciarl_verl.config.run_checks import check_run
from speciarl_verl.errors import ConfigError
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.preflight.machine import check_ray_cpus

PRESET = ["hydra.searchpath=[pkg://speciarl_verl.config]", "+speciarl=train"]
CPU = [*PRESET, "speciarl/profile=cpu"]


PRESETS = Path(__file__).parents[2] / "speciarl_verl/config/speciarl"


def presets(group: str) -> list[str]:
    """The names that may be chosen, which stand once: as files."""
    return sorted(file.stem for file in (PRESETS / group).iterdir())


ALGOS, REWARDS = presets("algo"), presets("reward")


@pytest.mark.parametrize(
    ("algo", "reward", "judge", "profile"),
    [
        *((algo, "dynamic", "taxonomy", profile) for algo in ALGOS for profile in ("cpu", "gpu")),
        *(("dapo", reward, "server", "gpu") for reward in REWARDS),
    ],
)
def test_every_preset_composes_with_the_others_and_passes(algo: str, reward: str, judge: str, profile: str) -> None:
    chosen = [f"speciarl/algo={algo}", f"speciarl/reward={reward}", f"speciarl/judge={judge}"]
    config = compose_config([*PRESET, *chosen, f"speciarl/profile={profile}"])
    speciarl = check_run(config)
    assert (speciarl.reward.rule, speciarl.judge.name, speciarl.profile) == (reward, judge, profile)
    assert speciarl.reward.overlong.enable == algo.startswith("dapo")
    OmegaConf.to_container(config.actor_rollout_ref.actor, resolve=True)


def test_drgrpo_sets_what_distinguishes_it() -> None:
    config = compose_config([*PRESET, "speciarl/algo=drgrpo"])
    actor = config.actor_rollout_ref.actor
    assert actor.loss_agg_mode == "seq-mean-token-sum-norm"
    assert actor.loss_scale_factor == config.data.max_response_length == 2048
    assert not actor.use_kl_loss
    assert not config.algorithm.norm_adv_by_std_in_grpo


def test_dapo_sets_what_distinguishes_it() -> None:
    config = compose_config([*PRESET, "speciarl/algo=dapo"])
    actor = config.actor_rollout_ref.actor
    assert (actor.clip_ratio_low, actor.clip_ratio_high, actor.clip_ratio_c) == (0.2, 0.28, 10.0)
    assert (actor.use_kl_loss, actor.loss_agg_mode) == (False, "token-mean")
    assert not config.algorithm.filter_groups.enable
    dynamic = compose_config([*PRESET, "speciarl/algo=dapo-dynamic"]).algorithm.filter_groups
    assert (dynamic.enable, dynamic.metric) == (True, "group_reward")


def test_gpu_defaults_are_the_authors() -> None:
    config = compose_config(PRESET)
    model, actor, rollout = (config.actor_rollout_ref[key] for key in ("model", "actor", "rollout"))
    assert (model.lora_rank, model.lora_alpha, actor.optim.lr) == (64, 32, 3e-5)
    assert (config.data.train_batch_size, actor.ppo_mini_batch_size, rollout.n) == (256, 128, 10)
    assert (actor.use_kl_loss, actor.kl_loss_coef, actor.kl_loss_type) == (True, 0.01, "low_var_kl")
    assert (config.data.max_prompt_length, config.data.max_response_length) == (2048, 2048)
    assert (config.trainer.total_epochs, config.trainer.n_gpus_per_node, rollout.tensor_model_parallel_size) == (
        15,
        4,
        2,
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("+speciarl.rewrad=1", "speciarl.rewrad: Extra inputs are not permitted", id="unknown key"),
        pytest.param("speciarl.reward.rule=best", "speciarl.reward.rule", id="unknown rule"),
        pytest.param("speciarl.reward.reliability=1.0", "reliability=1.0 is not in", id="reliability of one"),
        pytest.param("speciarl.reward.support=0", "support=0 is neither", id="no support"),
        pytest.param("speciarl.reward.support=true", "speciarl.reward.support", id="support that is no number"),
        pytest.param("speciarl.reward.support=9", "is more than actor_rollout_ref.rollout.n=8", id="support of more"),
        pytest.param("speciarl.answer.max_words=0", "speciarl.answer.max_words", id="value out of range"),
        pytest.param("+speciarl.judge.url=http://x", "speciarl.judge.taxonomy.url", id="key of the other judge"),
        pytest.param("reward_model.enable=true", "reward_model.enable=True is ignored", id="legacy reward model"),
        pytest.param("custom_reward_function.path=x.py", "custom_reward_function.path=x.py is ignored", id="legacy fn"),
        pytest.param("reward.custom_reward_function.path=x.py", "is not used", id="reward function"),
        pytest.param(
            "actor_rollout_ref.actor.freeze_vision_tower=true", "is read by no FSDP actor", id="frozen vision tower"
        ),
        pytest.param("reward.reward_model.enable=true", "hosts a model that nobody asks", id="reward model"),
        pytest.param("reward.reward_manager.name=naive", "the reward manager is speciarl", id="other manager"),
        pytest.param("trainer.v1.trainer_mode=separate_async", "the only trainer supported", id="async trainer"),
        pytest.param("actor_rollout_ref.rollout.n=1", "a group needs 2", id="group of one"),
        pytest.param(
            "actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=60",
            "ppo_micro_batch_size_per_gpu=60 on 1 workers does not divide 16 prompts x 8",
            id="micro-batch",
        ),
        pytest.param(
            "data.train_batch_size=4", "log_prob_micro_batch_size_per_gpu=64 on 1 workers", id="log-prob batch"
        ),
    ],
)
def test_configuration_that_cannot_work_is_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")) as caught:
        check_run(compose_config([*CPU, override]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("override", ["speciarl.rewrad=1", "speciarl/algo=ppo", "=", "actor_rollout_ref.actr.lr=1"])
def test_override_that_does_not_compose_is_refused_in_one_line(override: str) -> None:
    with pytest.raises(ConfigError, match="does not compose") as caught:
        compose_config([*CPU, override])
    assert "\n" not in str(caught.value)


def test_overlong_buffer_longer_than_the_response_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"buffer_tokens=32 must be below"):
        check_run(compose_config([*CPU, "speciarl/algo=dapo", "speciarl.reward.overlong.buffer_tokens=32"]))


def test_single_mode_of_a_static_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="single"):
        check_run(compose_config([*CPU, "speciarl/reward=binary", "speciarl.reward.mode=single"]))


@pytest.mark.parametrize("override", ["reliability=0.5", "support=2", "support=0.3"])
@pytest.mark.parametrize("reward", ["binary", "floor"])
def test_generalisation_of_the_dynamic_rule_is_refused_of_a_static_one(reward: str, override: str) -> None:
    overrides = [*CPU, f"speciarl/reward={reward}", f"speciarl.reward.{override}"]
    if (reward, override) == ("floor", "reliability=0.5"):
        assert check_run(compose_config(overrides)).reward.reliability == 0.5
        return
    with pytest.raises(ConfigError, match=f"speciarl.reward: .*{override} belongs to rule=dynamic"):
        check_run(compose_config(overrides))


@pytest.mark.parametrize("algo", ALGOS)
def test_generalisation_reaches_the_rule_with_every_algorithm(algo: str) -> None:
    overrides = [f"speciarl/algo={algo}", "speciarl.reward.reliability=0.5", "speciarl.reward.support=0.3"]
    reward = check_run(compose_config([*CPU, *overrides])).reward
    assert (reward.rule, reward.mode, reward.reliability, reward.support) == ("dynamic", "all", 0.5, 0.3)


@pytest.mark.parametrize("size", [2, 3, 7, 10, 15, 64, 256])
def test_equal_rewards_of_a_group_have_a_deviation_of_exactly_zero(size: int) -> None:
    import numpy as np
    import torch

    overrides = ["speciarl/reward=floor", "speciarl.reward.format_reward=-0.1"]
    reward = check_run(compose_config([*CPU, *overrides])).reward
    assert abs(reward.reliability - 2 / 3) < 2**-16
    for value in (reward.reliability, reward.format_reward):
        assert float(np.std([value] * size)) == 0.0
        assert torch.std(torch.full((size,), value)) == 0.0
        assert torch.mean(torch.full((size,), value)).item() == value


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["reward.num_workers=0"], "reward.num_workers=0: the rollouts of one image must meet in one reward worker"),
        (["reward.num_workers=8"], "reward.num_workers=8: the rollouts of one image must meet in one reward worker"),
        (["data.train_batch_size=128"], "1024 rollouts in flight exceed"),
        (["data.train_batch_size=120"], None),
    ],
)
def test_stock_agent_loop_is_refused_where_siblings_would_not_meet(overrides: list[str], message: str | None) -> None:
    stock = "actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent"
    config = compose_config([*CPU, stock, "reward.num_workers=1", *overrides])
    if message is None:
        check_run(config)
        return
    with pytest.raises(ConfigError, match=message):
        check_run(config)


def test_too_few_logical_cpus_are_found_before_ray_hangs() -> None:
    with pytest.raises(ConfigError, match=r"Ray would have 2 logical CPUs and verl needs 7 .*num_cpus=7"):
        check_ray_cpus(compose_config([*CPU, "ray_kwargs.ray_init.num_cpus=2"]), machine_cpus=64)
    with pytest.raises(ConfigError, match="Ray would have 4 logical CPUs"):
        check_ray_cpus(compose_config([*CPU, "ray_kwargs.ray_init.num_cpus=null"]), machine_cpus=4)
    check_ray_cpus(compose_config(CPU), machine_cpus=2)
