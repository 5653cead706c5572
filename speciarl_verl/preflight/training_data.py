"""What a training would only find later about its data: no such prompt, too few rows, a label that no answer equals."""

from collections.abc import Sequence

import pyarrow.parquet as pq
from omegaconf import DictConfig, ListConfig

from speciarl_verl.data_contract import check_parquet
from speciarl_verl.errors import ConfigError, DataContractError
from speciarl_verl.prompts import configured_prompt


def check_training_data(data: DictConfig) -> list[str]:
    """Look at everything that the `data` node names; returns the distinct labels, sorted.

    Raises:
        ConfigError: fewer rows than a batch, for which verl would divide by zero after its start-up.
        DataContractError: a file is no parquet of ours, or holds a label that no answer can equal.
        InputError: the prompt is not there.
    """
    configured_prompt(data.get("speciarl"))
    train, val = _files(data.train_files), _files(data.val_files)
    for file in (*train, *val):
        check_parquet(file)
    rows = sum(pq.read_metadata(file).num_rows for file in train)
    most = data.get("train_max_samples", -1)
    rows = min(rows, most) if most > 0 else rows
    if rows < data.train_batch_size:
        raise ConfigError(
            f"data.train_files has {rows} pictures, less than data.train_batch_size={data.train_batch_size}: set that "
            f"to {rows} or less, or prepare more pictures"
        )
    labels = _labels([*train, *val])
    for label in labels:
        # What else extraction or the rules on answers refuse is right where it equals its truth.
        if not any(character.isalnum() for character in label):
            raise DataContractError(f"the label {label!r} has neither letters nor digits: no answer can equal it")
    return labels


def _files(value: str | ListConfig) -> list[str]:
    return [value] if isinstance(value, str) else [str(file) for file in value]


def _labels(files: Sequence[str]) -> list[str]:
    labels: set[str] = set()
    for file in files:
        column = pq.read_table(file, columns=["reward_model"]).column("reward_model")
        labels.update(row["ground_truth"] for row in column.to_pylist())
    return sorted(labels)
