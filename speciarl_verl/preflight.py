"""What can go wrong in a run, found before Ray starts: `speciarl preflight OVERRIDE...`, called by `recipes/train.sh`.

Composes the configuration exactly as `python -m verl.trainer.main_ppo OVERRIDE...` will, without importing torch or
verl, and looks at everything that it names: files, model, judge, machine.
"""

import asyncio
import os
import socket
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig
from omegaconf.errors import OmegaConfBaseException

from speciarl_verl.config.checks import check_ray_cpus, check_run
from speciarl_verl.config.hosted_judge import ENGINES
from speciarl_verl.config.schema import ConfigError, SpeciaRLConfig
from speciarl_verl.data_contract import check_parquet
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.config import HostedJudgeConfig
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.platform_cpu import cpu_selected

_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json")


def compose_config(overrides: Sequence[str]) -> DictConfig:
    """The configuration that `main_ppo` will see.

    Raises:
        ConfigError: verl is not installed, or an override is unknown or malformed.
    """
    spec = find_spec("verl")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("verl is not installed: install this package with its [gpu] or [cpu] extra")
    config_dir = str(Path(spec.submodule_search_locations[0], "trainer", "config").resolve())
    try:
        with initialize_config_dir(config_dir, version_base=None):
            return compose("ppo_trainer", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ConfigError(f"the configuration does not compose: {reason}") from error


def check_everything(config: DictConfig) -> SpeciaRLConfig:
    """All checks, cheapest first.

    Raises:
        ConfigError: a key of the configuration, the model or the machine.
        DataContractError: a parquet.
        JudgeError: the judge does not answer, or does not know the data's labels.
    """
    speciarl = check_run(config)
    check_platform(speciarl)
    check_ray_cpus(config, os.cpu_count() or 1)
    check_ports(config)
    check_engines(config)
    check_model(str(config.actor_rollout_ref.model.path))
    if isinstance(speciarl.judge, HostedJudgeConfig):
        check_judge_model(str(config.reward.reward_model.model_path))
    files = [*_files(config.data.train_files), *_files(config.data.val_files)]
    for file in files:
        check_parquet(file)
    asyncio.run(_check_judge(speciarl, files))
    return speciarl


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


def check_model(path: str) -> None:
    """A local model needs a configuration, a tokenizer and an image processor; a hub id is left to transformers.

    Raises:
        ConfigError: naming what is not there.
    """
    folder = _model_folder(path)
    if folder and not any((folder / name).is_file() for name in _PROCESSOR_FILES):
        raise ConfigError(
            f"the model {path} has no image processor ({' or '.join(_PROCESSOR_FILES)}): use a vision-language model"
        )


def check_judge_model(path: str) -> None:
    """The same for the text model of a hosted judge: it needs a tokenizer.

    Raises:
        ConfigError: naming what is not there.
    """
    folder = _model_folder(path)
    if folder and not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ConfigError(f"the judge's model {path} has no tokenizer ({' or '.join(_TOKENIZER_FILES)})")


def _model_folder(path: str) -> Path | None:
    """None for a hub id."""
    folder = Path(path).expanduser()
    if not folder.exists():
        if path.startswith((".", "/", "~")) or path.count("/") != 1:
            raise ConfigError(f"no model at {path}")
        return None
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{path} is no model: it has no config.json")
    return folder


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


def _files(value: str | ListConfig) -> list[str]:
    return [value] if isinstance(value, str) else [str(file) for file in value]


async def _check_judge(speciarl: SpeciaRLConfig, files: Sequence[str]) -> None:
    if isinstance(speciarl.judge, HostedJudgeConfig):
        # Its servers start with the run, which asks them before its first step: here, what needs no server.
        await build_judge(speciarl.judge.at("http://not-yet-known")).close()
        return
    judge = build_judge(speciarl.judge)
    try:
        await judge.check()
        if speciarl.judge.name == "taxonomy":
            for label in ground_truths(files):
                await judge.judge(Pair(prediction=label, ground_truth=label))
    finally:
        await judge.close()


def ground_truths(files: Sequence[str]) -> list[str]:
    """The distinct labels of some parquet files of ours, sorted."""
    labels: set[str] = set()
    for file in files:
        column = pq.read_table(file, columns=["reward_model"]).column("reward_model")
        labels.update(row["ground_truth"] for row in column.to_pylist())
    return sorted(labels)
