"""A checkpoint of an adapter goes back into the model that it was trained on, and whole, or the run stops.

verl hook: `FSDPCheckpointManager.save_checkpoint` and `load_checkpoint`, wrapped when verl imports their module. Under
`actor.checkpoint.save_lora_only` verl loads the adapter with `strict=False` and asks for unexpected weights only: one
that is missing would start anew, and another base model would pass, without a word.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import wrapt

from speciarl_verl.checkpoint_shard import load_shard
from speciarl_verl.errors import ConfigError
from speciarl_verl.files import read_text, write_text


def guard(checkpoint_manager: ModuleType) -> None:
    """Put both wrappers in force in `verl.utils.checkpoint.fsdp_checkpoint_manager`."""
    wrapt.wrap_function_wrapper(checkpoint_manager, "FSDPCheckpointManager.save_checkpoint", save_with_mark)
    wrapt.wrap_function_wrapper(checkpoint_manager, "FSDPCheckpointManager.load_checkpoint", load_checked)


def save_with_mark(wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Each rank tells of its frozen weights, beside its shard of the adapter."""
    result = wrapped(*args, **kwargs)
    folder = _folder(args, kwargs)
    if folder is not None and manager.should_save_lora_only and manager._has_lora():
        write_text(_mark(folder, manager), json.dumps(frozen_weights(manager.model)))
    return result


def load_checked(wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Raises:
    ConfigError: a weight of the adapter is missing, or the frozen weights are others.
    InputError: the shard holds more than weights; verl itself would run it.
    """
    folder = _folder(args, kwargs)
    if folder is not None and manager.should_load_model and manager._has_lora():
        _require_same(folder, manager)
    return wrapped(*args, **kwargs)


def frozen_weights(model: Any) -> dict[str, float]:
    """How many there are in this process, and the sum of their magnitudes."""
    local = [_local(weight) for weight in model.parameters() if not weight.requires_grad]
    return {
        "count": float(sum(weight.numel() for weight in local)),
        "magnitude": float(sum(weight.detach().abs().sum(dtype=torch.float64).item() for weight in local)),
    }


def _require_same(folder: Path, manager: Any) -> None:
    shard = folder / f"model_world_size_{manager.world_size}_rank_{manager.rank}.pt"
    if not shard.is_file():
        raise ConfigError(f"{folder} has no {shard.name}: resume on as many GPUs as it was trained on")
    saved = load_shard(shard)
    if not manager.is_lora_only_state_dict(saved):
        return
    names = {name for name, weight in manager.model.named_parameters() if weight.requires_grad}
    if missing := sorted(names - saved.keys()):
        raise ConfigError(f"{shard} lacks {len(missing)} of the adapter's weights, such as {missing[0]}")
    mark = _mark(folder, manager)
    if not mark.is_file():
        raise ConfigError(f"{folder} does not tell on which weights its adapter was trained: {mark.name} is missing")
    before, now = json.loads(read_text(mark)), frozen_weights(manager.model)
    if before["count"] != now["count"] or not math.isclose(before["magnitude"], now["magnitude"], rel_tol=1e-6):
        raise ConfigError(f"{folder} is an adapter of another model: resume with the model that it was trained on")


def _mark(folder: Path, manager: Any) -> Path:
    return folder / f"frozen_world_size_{manager.world_size}_rank_{manager.rank}.json"


def _folder(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Path | None:
    path = args[0] if args else kwargs.get("local_path")
    return None if path is None else Path(path)


def _local(weight: Any) -> Any:
    return weight.to_local() if hasattr(weight, "to_local") else weight
