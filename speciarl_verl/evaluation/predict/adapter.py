"""LoRA adapters: a PEFT folder, or a checkpoint of verl 0.9.1, from whose FSDP shards the adapter is taken.

verl saves a LoRA policy as shards of the whole model, `actor/model_world_size_W_rank_R.pt`, and rank and alpha in
`actor/lora_train_meta.json`. What its own merger takes minutes and the memory of the whole model for needs the `lora_`
tensors only: the shards are memory-mapped and the rest is never read.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.files import read_text

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
    folder = last_step(Path(path).expanduser())
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
        EvaluationError: its description cannot be read.
    """
    file = folder / CONFIG if (folder / CONFIG).is_file() else folder / _META
    try:
        rank = json.loads(file.read_text(encoding="utf-8"))["r"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{file}: not a description of an adapter ({error!r})") from None
    if not isinstance(rank, int) or rank < 1:
        raise EvaluationError(f"{file}: rank {rank!r} is no positive number")
    return rank


def as_peft(folder: Path, out: Path) -> Path:
    """A found adapter as a PEFT folder: itself, or `out`, into which verl's shards are converted.

    Raises:
        EvaluationError: the shards are incomplete or hold no adapter.
    """
    if (folder / CONFIG).is_file():
        return folder
    if (out / CONFIG).is_file():
        return out
    from safetensors.torch import save_file

    weights = _merged(folder)
    partial = out.with_name(f".partial-{out.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(weights, partial / WEIGHTS)
    (partial / CONFIG).write_text(json.dumps(_config(folder, weights), indent=2) + "\n", encoding="utf-8")
    os.rename(partial, out)
    return out


def _config(folder: Path, weights: Mapping[str, Any]) -> dict[str, Any]:
    meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    if not meta.get("lora_alpha"):
        raise EvaluationError(f"{folder / _META}: has no lora_alpha, without which the adapter has no scale")
    return {
        "peft_type": "LORA",
        "task_type": meta.get("task_type") or "CAUSAL_LM",
        "r": meta["r"],
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

    shards = [_lora_tensors(path) for path in _shards(folder)]
    names = sorted(shards[0])
    if not names or any(sorted(shard) != names for shard in shards):
        raise EvaluationError(f"{folder}: its shards hold no LoRA weights, or not the same ones: {_CURE}")
    merged = {}
    for name in names:
        tensor = _joined([shard[name] for shard in shards]).to(torch.float32).contiguous()
        merged[name.replace(".default.weight", ".weight")] = tensor
    return merged


def _shards(folder: Path) -> list[Path]:
    found = {}
    for path in folder.iterdir():
        match = _SHARD.fullmatch(path.name)
        if match:
            found[int(match[1]), int(match[2])] = path
    sizes = {size for size, _ in found}
    if len(sizes) != 1 or len(found) != max(sizes):
        raise EvaluationError(f"{folder}: {len(found)} shards of a world size of {sorted(sizes) or 'none'}: incomplete")
    return [found[key] for key in sorted(found)]


def _lora_tensors(path: Path) -> dict[str, Any]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=False, mmap=True)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise EvaluationError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from error
    return {name: tensor for name, tensor in state.items() if ".lora_" in name}


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
