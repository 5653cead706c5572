"""A judge that verl hosts is asked for in one place, and what would leave it asleep, random or unasked is refused."""

from typing import Any

import pytest
from omegaconf import OmegaConf

from speciarl_verl.config.hosted_judge_checks import hosted_judge_gpus
from speciarl_verl.config.run_checks import check_run
from speciarl_verl.errors import ConfigError
from speciarl_verl.judge.judge_config import HostedJudgeConfig
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.preflight.machine import check_ray_cpus
from tests.config.test_run_checks import CPU, PRESET

MODEL = "reward.reward_model.model_path=Qwen/Qwen3-30B-A3B-Instruct-2507"
HOSTED = [*PRESET, "speciarl/judge=hosted", MODEL]
HOSTED_CPU = [*CPU, "speciarl/judge=hosted", MODEL]


def test_preset_sets_what_verl_needs_to_host_a_judge() -> None:
    config = compose_config(HOSTED)
    assert isinstance(check_run(config).judge, HostedJudgeConfig)
    model = config.reward.reward_model
    assert (model.enable, model.enable_resource_pool, model.nnodes, model.n_gpus_per_node) == (True, True, 1, 2)
    assert (model.rollout.name, model.rollout.tensor_model_parallel_size) == ("sglang", 2)
    assert (model.rollout.free_cache_engine, model.rollout.load_format) == (False, "auto")


def test_cpu_profile_hosts_the_judge_on_the_engine_that_it_has() -> None:
    config = compose_config(HOSTED_CPU)
    check_run(config)
    rollout = config.reward.reward_model.rollout
    assert (rollout.name, rollout.dtype, rollout.tensor_model_parallel_size) == ("vllm", "float32", 1)


def test_hosted_judge_has_every_setting_of_a_server_but_its_url() -> None:
    def keys(judge: str) -> set[str]:
        return set(compose_config([*PRESET, f"speciarl/judge={judge}"]).speciarl.judge)

    assert keys("hosted") == keys("server") - {"url"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("enable=false", "enable=False: speciarl/judge=hosted needs true", id="not enabled"),
        pytest.param("model_path=null", "model_path=None: name the judge's model", id="no model"),
        pytest.param("n_gpus_per_node=0", "n_gpus_per_node=0: the judge needs a GPU", id="no GPU"),
        pytest.param("nnodes=0", "nnodes=0: the judge needs a GPU", id="no node"),
        pytest.param("enable_resource_pool=false", "enable_resource_pool=False: needs true", id="colocated"),
        pytest.param("rollout.name=trtllm", "rollout.name=trtllm: choose one of sglang, vllm", id="engine"),
        pytest.param("rollout.free_cache_engine=true", "free_cache_engine=True: needs false", id="asleep"),
        pytest.param("rollout.load_format=dummy", "load_format=dummy: the judge would start with random", id="random"),
        pytest.param("rollout.full_determinism=true", "one request at a time", id="one request at a time"),
        pytest.param("rollout.tensor_model_parallel_size=3", "must divide the judge's 2 GPUs", id="parallel size"),
    ],
)
def test_setting_that_would_break_the_hosted_judge_is_refused(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check_run(compose_config([*HOSTED, f"reward.reward_model.{override}"]))
    assert str(caught.value).startswith("reward.reward_model.")
    assert "\n" not in str(caught.value)


def test_agent_loop_whose_rewards_would_be_the_judge_s_own_scores_is_refused() -> None:
    stock = "actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent"
    with pytest.raises(ConfigError, match="past the reward manager"):
        check_run(compose_config([*HOSTED_CPU, stock]))


def test_run_without_a_worker_that_knows_the_address_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"reward.num_workers=0: the hosted judge's address"):
        check_run(compose_config([*HOSTED, "reward.num_workers=0"]))


@pytest.mark.parametrize("judge", ["taxonomy", "server"])
def test_hosted_model_beside_another_judge_is_refused(judge: str) -> None:
    with pytest.raises(ConfigError, match="hosts a model that nobody asks: choose speciarl/judge=hosted"):
        check_run(compose_config([*PRESET, f"speciarl/judge={judge}", "reward.reward_model.enable=true"]))


def test_the_judge_s_gpus_count_for_ray() -> None:
    assert hosted_judge_gpus(compose_config(CPU)) == 0
    config = compose_config([*HOSTED_CPU, "reward.reward_model.n_gpus_per_node=3"])
    assert hosted_judge_gpus(config) == 3
    with pytest.raises(ConfigError, match=r"num_gpus=2, and verl needs 4 \(1 for training, 3 for the judge\)"):
        check_run(config)
    with pytest.raises(ConfigError, match=r"Ray would have 9 logical CPUs and verl needs 10 .*num_cpus=10"):
        check_ray_cpus(compose_config([*HOSTED_CPU, "ray_kwargs.ray_init.num_cpus=9"]), machine_cpus=64)


@pytest.mark.parametrize("overrides", [HOSTED, HOSTED_CPU], ids=["gpu", "cpu"])
def test_verl_takes_the_preset(overrides: list[str]) -> None:
    from verl.utils.config import omega_conf_to_dataclass
    from verl.workers.config import RewardModelConfig

    config: Any = compose_config(overrides)
    OmegaConf.resolve(config)
    model = omega_conf_to_dataclass(config.reward.reward_model)
    assert isinstance(model, RewardModelConfig)
    assert not model.rollout.enable_sleep_mode
    assert not model.rollout.free_cache_engine
    # verl asserts this one when the servers are up already.
    assert not model.rollout.skip_tokenizer_init
