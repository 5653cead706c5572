"""LoRA adapters: a PEFT folder, or a checkpoint of verl 0.9.1, from whose FSDP shards the adapter is taken.

verl saves a LoRA policy as shards of the whole model, `actor/model_world_size_W_rank_R.pt`, and rank and alpha in
`actor/lora_train_meta.json`. What its own merger takes minutes and the memory of the whole model for needs the `lora_`
tensors only: the shards are memory-mapped and the rest is never read.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from speciarl_verl.checkpoint_shard import load_shard
from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.store import first_fault
from speciarl_verl.files import read_text, readable, whole_file, write_text

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_META = "lora_train_meta.json"
_LATEST = "latest_checkpointed_iteration.txt"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_SHARD = re.compile(r"model_world_size_(\d+)_rank_(\d+)\.pt")
_CURE = "give a PEFT folder, or global_step_N of a LoRA training"


def find_adapter(path: str) -> Path:
    """The folder that `--adapter` means: with a PEFT adapter, or a verl `actor/` folder with LoRA shards.

    A hub id is fetched, or found in the hub's local cache.

    Args:
        path: such a folder, a `global_step_N` that holds one, or the `checkpoints` of a training: its last step.

    Raises:
        EvaluationError: there is none.
    """
    with readable(f"--adapter {path}"):
        return _found(path)


def _found(path: str) -> Path:
    folder = last_step(Path(os.path.expanduser(path)))
    if not folder.exists() and _HUB_ID.fullmatch(path):
        folder = _from_hub(path)
    for place in (folder, folder / "lora_adapter", folder / "actor", folder / "actor" / "lora_adapter"):
        if (place / CONFIG).is_file():
            if not (place / WEIGHTS).is_file():
                raise EvaluationError(f"--adapter {place}: has {CONFIG} but no {WEIGHTS}")
            return place.resolve()
    for place in (folder, folder / "actor"):
        if (place / _META).is_file():
            return place.resolve()
    if any((folder / name / "huggingface" / "config.json").is_file() for name in ("", "actor")):
        raise EvaluationError(
            f"--adapter {path}: a checkpoint of full weights, without an adapter: use --model .../actor/huggingface "
            "if it holds weights, else merge it with `python -m verl.model_merger`"
        )
    raise EvaluationError(f"--adapter {path}: no adapter there: {_CURE}")


def last_step(folder: Path) -> Path:
    """What verl says is the last complete checkpoint of a folder of them; the folder itself where it is none."""
    tracker = folder / _LATEST
    return folder / f"global_step_{read_text(tracker).strip()}" if tracker.is_file() else folder


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS]))
    # OSError: no network, or nothing in the cache while offline; ValueError: no such name.
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise EvaluationError(f"--adapter {name}: neither a folder nor to be had from the hub: {reason}") from error


def adapter_rank(folder: Path) -> int:
    """The rank r of a found adapter.

    Raises:
        InputError, EvaluationError: its description cannot be read, or has none.
    """
    file = folder / CONFIG if (folder / CONFIG).is_file() else folder / _META
    rank = _description(file).get("r")
    if not isinstance(rank, int) or rank < 1:
        raise EvaluationError(f"{file}: rank {rank!r} is no positive number")
    return rank


def _description(file: Path) -> dict[str, Any]:
    try:
        return TypeAdapter(dict[str, Any]).validate_json(read_text(file))
    except ValidationError as error:
        raise EvaluationError(f"{file}: not a description of an adapter ({first_fault(error)})") from None


def as_peft(folder: Path, out: Path) -> Path:
    """A found adapter as a PEFT folder: itself, or `out`, into which verl's shards are converted.

    Raises:
        InputError, EvaluationError: the shards are incomplete, hold no adapter or cannot be read; or `out` cannot be
            written. Then there is none in it.
    """
    if (folder / CONFIG).is_file():
        return folder
    if (out / CONFIG).is_file():
        return out
    from safetensors.torch import save

    weights = _merged(folder)
    config = json.dumps(_config(folder, weights), indent=2) + "\n"
    with whole_file(out / WEIGHTS) as partial:
        partial.write_bytes(save(weights))
    # The description comes last: without it the folder holds no adapter.
    write_text(out / CONFIG, config)
    return out


def _config(folder: Path, weights: Mapping[str, Any]) -> dict[str, Any]:
    meta = _description(folder / _META)
    if not meta.get("lora_alpha"):
        raise EvaluationError(f"{folder / _META}: has no lora_alpha, without which the adapter has no scale")
    return {
        "peft_type": "LORA",
        "task_type": meta.get("task_type") or "CAUSAL_LM",
        "r": adapter_rank(folder),
        "lora_alpha": meta["lora_alpha"],
        "lora_dropout": 0.0,
        "bias": "none",
        # ...<module>.lora_A.weight
        "target_modules": sorted({name.split(".")[-3] for name in weights}),
        # The vision tower has modules of the same names.
        "exclude_modules": None if any(".visual." in name for name in weights) else ".*visual.*",
    }


def _merged(folder: Path) -> dict[str, Any]:
    import torch

    shards = [
        {name: tensor for name, tensor in load_shard(path).items() if ".lora_" in name} for path in _shards(folder)
    ]
    names = sorted(shards[0])
    if not names or any(sorted(shard) != names for shard in shards):
        raise EvaluationError(f"{folder}: its shards hold no LoRA weights, or not the same ones: {_CURE}")
    merged = {}
    for name in names:
        tensor = _joined([shard[name] for shard in shards]).to(torch.float32).contiguous()
        merged[name.replace(".default.weight", ".weight")] = tensor
    return merged


def _shards(folder: Path) -> list[Path]:
    with readable(folder):
        matches = {path: _SHARD.fullmatch(path.name) for path in folder.iterdir()}
    found = {(int(match[1]), int(match[2])): path for path, match in matches.items() if match}
    sizes = {size for size, _ in found}
    if len(sizes) != 1 or len(found) != max(sizes):
        raise EvaluationError(f"{folder}: {len(found)} shards of a world size of {sorted(sizes) or 'none'}: incomplete")
    return [found[key] for key in sorted(found)]


def _joined(parts: Sequence[Any]) -> Any:
    """One tensor of what each rank holds of it, along the dimension by which FSDP sharded it."""
    import torch
    from torch.distributed.tensor import DTensor

    if not isinstance(parts[0], DTensor):
        return parts[0]
    placement = parts[0].placements[-1]
    local = [part._local_tensor for part in parts]
    if placement.is_replicate():
        return local[0]
    if len(parts[0].placements) > 1:
        # A mesh of replicas by shards: the ranks of the first replica hold everything.
        local = local[: parts[0].device_mesh.mesh.shape[-1]]
    return torch.cat(local, dim=placement.dim)
