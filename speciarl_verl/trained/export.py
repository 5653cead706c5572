"""A base model and the adapter of a training as one model: `speciarl export`.

verl 0.9.1's own merger finds no base weights beside a LoRA run's shards. What is written loads in transformers and
vLLM; its `adapter/` is the adapter alone, for PEFT and for vLLM's `--enable-lora`.
"""

import shutil
from pathlib import Path
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.adapter import as_peft, find_adapter
from speciarl_verl.evaluation.predict.engine import one_line


def export(model: str, adapter: str, out: Path) -> int:
    """Write the folder `out`; gives the number of the model's parameters.

    Args:
        model: folder or hub id of the base model.
        adapter: as `--adapter` of `speciarl evaluate`.

    Raises:
        InputError, EvaluationError: no such model or adapter, or another model's; or `out` cannot be written.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    found = find_adapter(adapter)
    if out.exists():
        raise EvaluationError(f"{out}: is there already: remove it, or name another folder")
    partial = out.with_name(f".partial-{out.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        folder = as_peft(found, partial / "adapter")
        if folder == found:
            shutil.copytree(found, partial / "adapter")
        try:
            base = AutoModelForImageTextToText.from_pretrained(model, dtype="auto")
            processor = AutoProcessor.from_pretrained(model)
        except (OSError, ValueError) as error:
            raise EvaluationError(f"--model {model}: no model that loads ({one_line(error)})") from error
        merged = _with_adapter(base, folder, f"--adapter {adapter}: is no adapter of {model}").merge_and_unload()
        merged.save_pretrained(partial)
        processor.save_pretrained(partial)
        partial.rename(out)
    except OSError as error:
        raise EvaluationError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return int(merged.num_parameters())


def _with_adapter(base: Any, folder: Path, misfit: str) -> Any:
    """PEFT's model, every weight of the adapter in its place and none left at random."""
    from peft import LoraConfig, get_peft_model, load_peft_weights
    from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict

    policy = get_peft_model(base, LoraConfig.from_pretrained(str(folder)))
    weights = load_peft_weights(str(folder), "cpu")
    expected = get_peft_model_state_dict(policy)
    missing, foreign = expected.keys() - weights.keys(), weights.keys() - expected.keys()
    if missing or foreign:
        raise EvaluationError(f"{misfit}: {len(missing)} weights are missing, {len(foreign)} have no place there")
    for name, weight in weights.items():
        if weight.shape != expected[name].shape:
            raise EvaluationError(f"{misfit}: {name} is {tuple(weight.shape)}, there {tuple(expected[name].shape)}")
    set_peft_model_state_dict(policy, weights)
    return policy
