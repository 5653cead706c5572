"""What a run needs of the machine: its device, logical CPUs for Ray, free ports, engines that are installed."""

import socket
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from omegaconf import DictConfig

from speciarl_verl.config.hosted_judge_checks import ENGINES, hosted_judge_gpus
from speciarl_verl.config.schema import SpeciaRLConfig
from speciarl_verl.errors import ConfigError
from speciarl_verl.platform_cpu import cpu_selected

REQUIRED_VERL = "0.9.1"
"""The one version whose internals the hooks were written against."""
_CPUS_PER_TRAINING_WORKER = 3
"""verl's `max_colocate_count`: the CPUs in each worker's placement group bundle."""


def check_verl() -> None:
    """The hooks are written against one version's internals.

    Raises:
        ConfigError: another version of verl is installed, or none.
    """
    try:
        found = version("verl")
    except PackageNotFoundError:
        found = "none"
    if found != REQUIRED_VERL:
        raise ConfigError(
            f"verl {REQUIRED_VERL} is required and {found} is installed: pip install verl=={REQUIRED_VERL}"
        )


def check_platform(speciarl: SpeciaRLConfig) -> None:
    """The profile and the environment must agree on the device.

    Raises:
        ConfigError: they do not.
    """
    if speciarl.profile == "cpu" and not cpu_selected():
        raise ConfigError(
            "profile cpu needs VERL_PLATFORM=cpu in the environment (recipes/train.sh --profile cpu sets it)"
        )
    if speciarl.profile == "gpu" and cpu_selected():
        raise ConfigError("VERL_PLATFORM=cpu is set but the profile is gpu: unset it, or choose --profile cpu")


def check_ray_cpus(config: DictConfig, machine_cpus: int) -> None:
    """Ray gives each of verl's actors a logical CPU; with too few, verl waits for ever without a word.

    Raises:
        ConfigError: with the number needed.
    """
    declared = config.ray_kwargs.ray_init.get("num_cpus") or machine_cpus
    storage_units = config.transfer_queue.backend.SimpleStorage.num_data_storage_units
    workers = config.trainer.nnodes * config.trainer.n_gpus_per_node + hosted_judge_gpus(config)
    # One each for TransferQueue's controller, the trainer, and scheduling the agent loops and reward workers.
    needed = storage_units + workers * _CPUS_PER_TRAINING_WORKER + 3
    if config.trainer.nnodes == 1 and declared < needed:
        raise ConfigError(
            f"Ray would have {declared} logical CPUs and verl needs {needed} ({storage_units} storage units, {workers} "
            f"workers): set ray_kwargs.ray_init.num_cpus={needed} or more (they are counted, not bound)"
        )


def check_engines(config: DictConfig) -> None:
    """The policy's rollouts and a hosted judge run on engines of this environment.

    Raises:
        ConfigError: one is not installed.
    """
    engines = {"actor_rollout_ref.rollout.name": config.actor_rollout_ref.rollout.name}
    if config.reward.reward_model.enable:
        engines["reward.reward_model.rollout.name"] = config.reward.reward_model.rollout.name
    for key, engine in engines.items():
        if engine in ENGINES and find_spec(engine) is None:
            raise ConfigError(
                f"{key}={engine} is not installed in this environment: choose the engine that is (a hosted judge's: "
                "train.sh --judge-engine), or serve the judge from an environment of its own (--judge server)"
            )


def check_attention(model: DictConfig) -> None:
    """verl's actor takes flash-attn, unless it is told otherwise, and packs sequences for it alone.

    Args:
        model: the node `actor_rollout_ref.model`, or `model` of the SFT trainer.

    Raises:
        ConfigError: it is not installed.
    """
    if find_spec("flash_attn") is None and (model.use_remove_padding or not attention_chosen(model)):
        raise ConfigError(
            "flash-attn is not installed: recipes/setup.sh --gpu installs it; without it choose --profile gpu-sdpa "
            "(attn_implementation=sdpa, use_remove_padding=false: slower, more memory)"
        )


def attention_chosen(model: DictConfig) -> bool:
    """Whether another attention than verl's default is asked for."""
    return model.override_config.get("attn_implementation", "flash_attention_2") != "flash_attention_2"


def check_ports(config: DictConfig) -> None:
    """Ports that the configuration fixes; the others are chosen free by Ray and verl.

    Raises:
        ConfigError: one is taken.
    """
    for key, port in _fixed_ports(config):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise ConfigError(
                    f"{key}: port {port} is in use: choose another, or stop what listens there"
                ) from error


def _fixed_ports(config: DictConfig) -> Iterator[tuple[str, int]]:
    for name in ("dashboard_port", "_metrics_export_port"):
        if port := config.ray_kwargs.ray_init.get(name):
            yield f"ray_kwargs.ray_init.{name}", port
    metrics = config.transfer_queue.metrics
    if metrics.enabled and metrics.port:
        yield "transfer_queue.metrics.port", metrics.port
