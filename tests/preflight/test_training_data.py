from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from speciarl_verl.errors import ConfigError, DataContractError, InputError
from speciarl_verl.preflight import machine
from speciarl_verl.preflight.machine import check_verl
from speciarl_verl.preflight.training_data import check_training_data
from tests.preflight.test_everything import write_parquet


def node(tmp_path: Path, labels: list[str], **changes: Any) -> Any:
    train, val = (str(write_parquet(tmp_path / f"{split}.parquet", labels)) for split in ("train", "val"))
    plain = {"train_files": train, "val_files": [val], "train_batch_size": len(labels), "train_max_samples": -1}
    return OmegaConf.create({**plain, "speciarl": {"prompt": "train"}, **changes})


def test_labels_are_distinct_and_sorted(tmp_path: Path) -> None:
    assert check_training_data(node(tmp_path, ["b", "a", "b", "highway or road"])) == ["a", "b", "highway or road"]


@pytest.mark.parametrize(
    "changes",
    [pytest.param({"train_batch_size": 3}, id="rows"), pytest.param({"train_max_samples": 1}, id="max-samples")],
)
def test_fewer_rows_than_a_batch_are_refused_with_the_number(tmp_path: Path, changes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"has [12] pictures, less than data\.train_batch_size=[23]"):
        check_training_data(node(tmp_path, ["a", "b"], **changes))


def test_a_prompt_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown prompt 'calibratd'"):
        check_training_data(node(tmp_path, ["a"], speciarl={"prompt": "calibratd"}))


def test_a_label_that_no_answer_can_equal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataContractError, match=r"the label '\?\?' has neither letters nor digits"):
        check_training_data(node(tmp_path, ["a", "??"]))


@pytest.mark.parametrize("found", ["0.9.2", None])
def test_another_verl_is_refused(found: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    check_verl()

    def version(name: str) -> str:
        if found is None:
            raise machine.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(machine, "version", version)
    with pytest.raises(ConfigError, match=rf"verl 0\.9\.1 is required and {found or 'none'} is installed"):
        check_verl()
