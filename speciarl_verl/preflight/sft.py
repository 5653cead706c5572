"""What can go wrong in supervised fine-tuning, found before it starts: `speciarl preflight --sft OVERRIDE...`."""

from pathlib import Path

import pyarrow.parquet as pq
from omegaconf import DictConfig

from speciarl_verl.data_contract import check_parquet
from speciarl_verl.errors import ConfigError
from speciarl_verl.evaluation.accepted_thinking import accepted_thinking
from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.everything import check_model
from speciarl_verl.preflight.machine import check_attention
from speciarl_verl.prompts import DEFAULT_PROMPT, load_prompt


def check_sft(config: DictConfig) -> None:
    """All checks, cheapest first.

    Raises:
        ConfigError: a key of the configuration, the model or the machine.
        DataContractError: a parquet.
        InputError: the prompt, or the run that the thinking comes from.
    """
    if (config.trainer.device == "cpu") != cpu_selected():
        raise ConfigError(
            f"trainer.device={config.trainer.device} and VERL_PLATFORM do not agree: choose sft.sh --profile"
        )
    check_attention(config.model)
    check_model(str(config.model.path))
    settings = config.data.speciarl
    load_prompt(settings.prompt or DEFAULT_PROMPT)
    for key in ("train_files", "val_files"):
        if config.data[key] is not None:
            _check_rows(config, key)


def _check_rows(config: DictConfig, key: str) -> None:
    """verl drops a last batch that is not full: with less than one it would train on nothing."""
    value = config.data[key]
    files = [value] if isinstance(value, str) else list(value)
    for file in files:
        check_parquet(file)
    rows, batch = sum(pq.read_metadata(file).num_rows for file in files), config.data.train_batch_size
    what = ""
    if config.data.speciarl.thinking is not None:
        names = [pq.read_table(file, columns=["data_source", "extra_info"]).to_pylist() for file in files]
        accepted = accepted_thinking(Path(config.data.speciarl.thinking))
        rows = sum((row["data_source"], row["extra_info"]["file_name"]) in accepted for part in names for row in part)
        what = " with accepted thinking"
    if rows < batch:
        raise ConfigError(f"data.{key} has {rows} pictures{what}, less than data.train_batch_size={batch}")
