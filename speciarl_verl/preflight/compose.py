"""Composes the configuration exactly as `python -m verl.trainer.main_ppo OVERRIDE...` will, without torch or verl."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from speciarl_verl.errors import ConfigError


def compose_config(overrides: Sequence[str], name: str = "ppo_trainer") -> DictConfig:
    """The configuration that `main_ppo` will see, or another of verl's trainers (`sft_trainer_engine`).

    Raises:
        ConfigError: verl is not installed, or an override is unknown or malformed.
    """
    spec = find_spec("verl")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("verl is not installed: install this package with its [gpu] or [cpu] extra")
    config_dir = str(Path(spec.submodule_search_locations[0], "trainer", "config").resolve())
    try:
        with initialize_config_dir(config_dir, version_base=None):
            return compose(name, overrides=list(overrides))
    except (HydraException, OmegaConfBaseException) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ConfigError(f"the configuration does not compose: {reason}") from error
