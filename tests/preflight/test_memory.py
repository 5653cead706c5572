"""The arithmetic agrees with the models and the processor themselves, and with the figures in recipes/README.md."""

import re
from pathlib import Path

import pytest
import torch

from speciarl_verl.preflight.memory import (
    QWEN2_5_VL_3B,
    QWEN2_5_VL_7B,
    ModelSize,
    Training,
    gpu_memory,
    host_memory,
    rollout_room,
)

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "3B, LoRA 64, 1 GPU": Training(QWEN2_5_VL_3B, gpus=1),
    "7B, LoRA 64, 4 GPUs": Training(QWEN2_5_VL_7B, gpus=4),
    "7B, all but the vision tower, 8 GPUs": Training(QWEN2_5_VL_7B, gpus=8, lora_rank=0),
    "7B, all parameters, 8 GPUs": Training(QWEN2_5_VL_7B, gpus=8, lora_rank=0, vision=True),
}


@pytest.mark.parametrize("size", [QWEN2_5_VL_3B, QWEN2_5_VL_7B], ids=["3B", "7B"])
def test_parameters_are_the_models_own(size: ModelSize) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.hidden // 128,
        "num_key_value_heads": size.kv_width // 128,
        "vocab_size": size.vocabulary,
        "tie_word_embeddings": size.tied,
    }
    vision = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": size.hidden,
    }
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=size.tied)
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration(config)
        assert sum(weight.numel() for weight in model.model.visual.parameters()) == size.vision_parameters
        assert sum(weight.numel() for weight in model.parameters()) == size.parameters
        adapter = LoraConfig(r=64, target_modules="all-linear", exclude_modules=".*visual.*|lm_head")
        policy = get_peft_model(model, adapter)
    trained = sum(weight.numel() for weight in policy.parameters() if weight.requires_grad)
    assert trained == size.lora_parameters(64)


def test_the_host_holds_the_patches_of_every_rollout() -> None:
    from PIL import Image
    from transformers import Qwen2VLImageProcessor

    picture = Image.new("RGB", (1024, 768))
    patches = Qwen2VLImageProcessor()(images=[picture], return_tensors="pt")["pixel_values"]
    one = patches.numel() * 4 / 1e9
    assert host_memory(1, 1, 1024, 768) == pytest.approx(one)
    assert host_memory(256, 10, 1024, 768) == pytest.approx(48.1, abs=0.1)


def test_more_gpus_and_fewer_trained_parameters_take_less() -> None:
    totals = [gpu_memory(setting).total for setting in SETTINGS.values()]
    assert totals[2] < totals[3]
    assert gpu_memory(Training(QWEN2_5_VL_7B, 8)).weights < gpu_memory(Training(QWEN2_5_VL_7B, 4)).weights
    assert rollout_room(SETTINGS["7B, LoRA 64, 4 GPUs"], 80, 0.6, 2) == pytest.approx(39.7, abs=0.1)


def test_the_readme_tells_these_figures() -> None:
    text = (ROOT / "recipes" / "README.md").read_text()
    for name, setting in SETTINGS.items():
        memory = gpu_memory(setting)
        parts = (memory.weights, memory.training, memory.activations, memory.logits, memory.total)
        row = f"| {name} | {' | '.join(f'{part:.1f}' for part in parts)} |"
        assert row in text, row
    assert re.search(rf"\b{host_memory(256, 10, 1024, 768):.0f} GB\b", text)
