"""A tiny Qwen2-VL and a tiny Qwen3-VL of random weights, from their own classes, with the quickstart's tokenizer."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from recipes.quickstart.policy import build_tokenizer

_TEXT = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "initializer_range": 0.05,
}


def save_qwen2_vl(folder: Path) -> None:
    """56 x 56 pictures make 4 tokens."""
    tokenizer = build_tokenizer()
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]}
    config = Qwen2VLConfig(
        text_config={**_TEXT, "vocab_size": len(tokenizer), "rope_parameters": rope, **_ends(tokenizer)},
        vision_config={"depth": 2, "embed_dim": 128, "hidden_size": 128, "num_heads": 4, "mlp_ratio": 2},
        **_tokens(tokenizer),
    )
    pixels = {"shortest_edge": 56**2, "longest_edge": 56**2}
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=pixels),
        chat_template=tokenizer.chat_template,
    )
    _save(Qwen2VLForConditionalGeneration, config, processor, folder)


def save_qwen3_vl(folder: Path) -> None:
    """Patches of 16 pixels: 64 x 64 pictures make 4 tokens."""
    tokenizer = build_tokenizer()
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6], "mrope_interleaved": True}
    text = {**_TEXT, "vocab_size": len(tokenizer), "head_dim": 32, "rope_parameters": rope, **_ends(tokenizer)}
    vision = {
        "depth": 2,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "out_hidden_size": 128,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **_tokens(tokenizer))
    pixels = {"shortest_edge": 64**2, "longest_edge": 64**2}
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=pixels, patch_size=16),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(size=pixels),
        chat_template=tokenizer.chat_template,
    )
    _save(Qwen3VLForConditionalGeneration, config, processor, folder)


def _ends(tokenizer: Any) -> dict[str, int]:
    end, turn = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    return {"bos_token_id": end, "eos_token_id": turn, "pad_token_id": end}


def _tokens(tokenizer: Any) -> dict[str, Any]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    ids = {key: tokenizer.convert_tokens_to_ids(token) for key, token in names.items()}
    return {**ids, "tie_word_embeddings": True, "dtype": "float32"}


def _save(kind: Any, config: Any, processor: Any, folder: Path) -> None:
    torch.manual_seed(0)
    model = kind(config).float()
    ends = _ends(processor.tokenizer)
    ends["eos_token_id"] = [ends["eos_token_id"], ends["bos_token_id"]]  # type: ignore[assignment]
    model.generation_config = GenerationConfig(**ends, do_sample=False)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
