import socket

import pytest
from omegaconf import OmegaConf

from speciarl_verl.errors import ConfigError
from speciarl_verl.preflight import machine
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.preflight.machine import check_engines, check_ports
from tests.config.test_run_checks import CPU, PRESET


@pytest.mark.parametrize("key", ["actor_rollout_ref.rollout.name", "reward.reward_model.rollout.name"])
def test_engine_that_is_not_installed_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose_config([*CPU, "speciarl/judge=hosted"])
    monkeypatch.setattr(machine, "find_spec", {"vllm": object()}.get)
    check_engines(config)
    OmegaConf.update(config, key, "sglang")
    with pytest.raises(ConfigError, match=f"{key}=sglang is not installed in this environment"):
        check_engines(config)


@pytest.mark.parametrize("profile", ["gpu", "gpu-sdpa"])
def test_missing_flash_attn_is_refused_with_the_fallback_named(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = compose_config([*PRESET, f"speciarl/profile={profile}"]).actor_rollout_ref.model
    monkeypatch.setattr(machine, "find_spec", {"flash_attn": object()}.get)
    machine.check_attention(model)
    monkeypatch.setattr(machine, "find_spec", {}.get)
    if profile == "gpu-sdpa":
        machine.check_attention(model)
        return
    with pytest.raises(ConfigError, match=r"flash-attn is not installed: recipes/setup.sh --gpu .* --profile gpu-sdpa"):
        machine.check_attention(model)


def test_port_in_use_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"dashboard_port: port {port} is in use"):
            check_ports(compose_config([*CPU, f"+ray_kwargs.ray_init.dashboard_port={port}"]))
