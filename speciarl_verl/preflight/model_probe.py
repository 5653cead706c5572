"""`speciarl doctor --model`: does the model load with its processor, are its weights whole, and does a training fit?

The model is built without memory (torch's meta device) and of the weights only the headers are read, so that a 7B
takes seconds.
"""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from speciarl_verl.errors import ConfigError
from speciarl_verl.files import read_text
from speciarl_verl.platform_cpu import cpu_selected
from speciarl_verl.preflight.everything import check_model
from speciarl_verl.preflight.examination import Finding
from speciarl_verl.preflight.hardware import host_memory_gb, visible_gpus
from speciarl_verl.preflight.memory import ModelSize, Training, gpu_memory, rollout_room

_INDEX = "model.safetensors.index.json"
_UTILISATION = 0.6
"""Of the gpu profile: vLLM's share while rollouts run."""
_CPU_CACHE_GB = 1.0
_CPU_TOKENS = 64 * 96
"""Of a micro-batch of the cpu profile: 64 rollouts of 64 + 32 tokens."""
_GB = 1e9


def look_at_model(path: str) -> Finding:
    """Configuration, class, weights, tokenizer, image processor and chat template."""
    from PIL import Image
    from transformers import AutoProcessor

    check_model(path)
    model = _on_meta(path)
    told = f"model {path}: {type(model).__name__}, {model.num_parameters() / 1e6:,.1f} M parameters"
    processor = AutoProcessor.from_pretrained(path)
    content = [{"type": "image"}, {"type": "text", "text": "What is this?"}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    tokens = processor(text=[prompt], images=[Image.new("RGB", (224, 224))], return_tensors="pt")["input_ids"]
    folder = Path(path).expanduser()
    if folder.is_dir():
        told += f", weights of {_stored(folder) / 1e6:,.1f} M"
    return Finding(True, f"{told}; a picture of 224x224 and a question are {tokens.shape[1]} tokens")


def look_at_memory(path: str) -> Finding:
    """Whether an update, and the rollouts beside it, fit into what there is, by arithmetic."""
    size = model_size(_on_meta(path))
    return _on_cpu(size) if cpu_selected() else _on_gpus(size)


def model_size(model: Any) -> ModelSize:
    """What the arithmetic needs to know of a model of the Qwen-VL kind.

    Raises:
        ConfigError: its configuration has no language model of that kind.
    """
    text = model.config.get_text_config()
    try:
        head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        bare = ModelSize(
            hidden=text.hidden_size,
            intermediate=text.intermediate_size,
            layers=text.num_hidden_layers,
            kv_width=text.num_key_value_heads * head,
            vocabulary=text.vocab_size,
            vision_parameters=0,
            tied=bool(model.config.tie_word_embeddings),
        )
    except AttributeError as error:
        raise ConfigError(f"no estimate for {type(model).__name__}: {error}") from None
    return replace(bare, vision_parameters=max(0, model.num_parameters() - bare.parameters))


def _on_meta(path: str) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(path))


def _stored(folder: Path) -> int:
    """Parameters in the files of weights.

    Raises:
        ConfigError: there are none, or one that the index names is missing or cut short.
    """
    from safetensors import SafetensorError, safe_open

    names = sorted(file.name for file in folder.glob("*.safetensors"))
    if (folder / _INDEX).is_file():
        names = sorted(set(json.loads(read_text(folder / _INDEX))["weight_map"].values()))
    if not names:
        raise ConfigError(f"{folder} holds no weights (*.safetensors): of a LoRA checkpoint name its base model")
    count = 0
    for name in names:
        try:
            with safe_open(folder / name, framework="pt") as weights:
                count += sum(math.prod(weights.get_slice(key).get_shape()) for key in weights.keys())  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{folder / name} cannot be read ({error}): copy or download it again") from error
    return count


def _on_gpus(size: ModelSize) -> Finding:
    gpus = visible_gpus()
    training = Training(size, gpus=max(1, len(gpus)))
    needed = gpu_memory(training)
    told = (
        f"memory by arithmetic, profile gpu (LoRA 64) on {training.gpus} GPUs: {needed.total:.1f} GB each in an update"
    )
    if not gpus:
        return Finding(True, f"{told}; no GPU to compare with")
    least = min(gpu.total for gpu in gpus)
    room = rollout_room(training, least, _UTILISATION, min(2, len(gpus)))
    told += f" of {least:.0f}, {room:.1f} GB for vLLM's KV cache"
    if needed.total > 0.9 * least:
        return Finding(False, f"{told}: more GPUs, or a lower actor_rollout_ref.actor.ppo_max_token_len_per_gpu")
    if room < 2:
        return Finding(False, f"{told}: more GPUs, or a higher actor_rollout_ref.rollout.gpu_memory_utilization")
    return Finding(True, told)


def _on_cpu(size: ModelSize) -> Finding:
    needed = gpu_memory(Training(size, gpus=1, lora_rank=0, vision=True, tokens=_CPU_TOKENS)).total
    # The reference model and vLLM hold the weights once more each, in fp32.
    needed += 2 * size.parameters * 4 / _GB + _CPU_CACHE_GB
    host = host_memory_gb()
    told = f"memory by arithmetic, profile cpu: {needed:.1f} GB and verl's processes (some 6 GB) of {host:.0f}"
    if needed + 6 > host:
        return Finding(False, f"{told}: a smaller model, or GPUs")
    return Finding(True, told)
