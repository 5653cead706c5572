"""An adapter's checkpoint is loaded whole, into the model that it was trained on, or not at all."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from speciarl_verl.errors import ConfigError, InputError
from speciarl_verl.plugin.adapter_checkpoints import load_checked, save_with_mark
from tests.fresh_python import run


class Policy(nn.Module):
    """A frozen layer and an adapter of two weights."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.base = nn.Linear(6, 6).requires_grad_(False)
        self.lora_A = nn.Linear(6, 2, bias=False)
        self.lora_B = nn.Linear(2, 6, bias=False)


def manager(model: nn.Module) -> Any:
    return SimpleNamespace(
        model=model,
        rank=0,
        world_size=1,
        should_save_lora_only=True,
        should_load_model=True,
        _has_lora=lambda: True,
        is_lora_only_state_dict=lambda state: all("lora_" in name for name in state),
    )


def save(model: nn.Module, folder: Path, drop: str | None = None) -> None:
    def write(local_path: str, **_: Any) -> None:
        state = {name: weight for name, weight in model.state_dict().items() if "lora_" in name and name != drop}
        torch.save(state, Path(local_path) / "model_world_size_1_rank_0.pt")

    save_with_mark(write, manager(model), (str(folder),), {})


def load(model: nn.Module, folder: Path) -> str:
    return str(load_checked(lambda local_path: "loaded", manager(model), (), {"local_path": str(folder)}))


def test_the_same_model_takes_it_back(tmp_path: Path) -> None:
    save(Policy(0), tmp_path)
    assert load(Policy(0), tmp_path) == "loaded"


def test_another_base_model_is_refused(tmp_path: Path) -> None:
    save(Policy(0), tmp_path)
    with pytest.raises(ConfigError, match="an adapter of another model"):
        load(Policy(1), tmp_path)


def test_a_missing_weight_is_named(tmp_path: Path) -> None:
    save(Policy(0), tmp_path, drop="lora_B.weight")
    with pytest.raises(ConfigError, match=r"lacks 1 of the adapter's weights, such as lora_B\.weight"):
        load(Policy(0), tmp_path)


def test_a_checkpoint_without_its_mark_or_of_other_ranks_is_refused(tmp_path: Path) -> None:
    save(Policy(0), tmp_path)
    (tmp_path / "frozen_world_size_1_rank_0.json").unlink()
    with pytest.raises(ConfigError, match="does not tell on which weights"):
        load(Policy(0), tmp_path)
    (tmp_path / "model_world_size_1_rank_0.pt").rename(tmp_path / "model_world_size_2_rank_0.pt")
    with pytest.raises(ConfigError, match="as many GPUs"):
        load(Policy(0), tmp_path)


def test_a_checkpoint_that_would_run_code_is_refused_before_verl_reads_it(tmp_path: Path) -> None:
    save(Policy(0), tmp_path)
    torch.save({"lora_A.weight": print}, tmp_path / "model_world_size_1_rank_0.pt")
    with pytest.raises(InputError, match="could run code"):
        load(Policy(0), tmp_path)


def test_verl_is_guarded_and_still_needs_it() -> None:
    output = run(
        """
        import verl, inspect
        from verl.utils.checkpoint.fsdp_checkpoint_manager import FSDPCheckpointManager as Manager
        print(hasattr(Manager.load_checkpoint, "__wrapped__"), hasattr(Manager.save_checkpoint, "__wrapped__"))
        source = inspect.getsource(Manager.load_checkpoint.__wrapped__)
        print("strict=False" in source, "unexpected_keys" in source, "missing_keys" in source)
        """
    )
    assert output.splitlines()[-2:] == ["True True", "True True False"]
