"""A Qwen2.5-VL of 1.3 million parameters, with a tokenizer trained on the words of the bird world.

The classes are Qwen2.5-VL's own, only the sizes are not: what loads here (transformers, verl, vLLM) loads the 7B too.

    python -m recipes.quickstart.policy --out DIR --seed 0
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from recipes.quickstart.output import whole_folder
from recipes.quickstart.stage import run_stage
from recipes.quickstart.world import ROOT, SPECIES, Family
from speciarl_verl.prompts import load_prompt

PROMPT = "short"
"""The template that every stage shows after the picture."""

THOUGHT = "Look at shape and crown."
MAX_POSITIONS = 2048
# Qwen's 0.02 suits layers ten times as wide; here it takes several times as many steps to learn the colours.
INITIALIZER_RANGE = 0.05
IMAGE_SIDE = 56
"""Pixels: the least that Qwen2.5-VL's processor keeps as it is, 4 x 4 patches merged to 4 tokens."""

PLACEHOLDERS = ("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>")
"""Never to be generated: a placeholder without a picture behind it breaks the next forward pass."""

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *PLACEHOLDERS)
# One token each, but ordinary text: `skip_special_tokens` must not swallow what answers are found by.
_TAGS = ("<think>", "</think>", "<answer>", "</answer>")

# Qwen2.5-VL's, without the system prompt that it puts before every conversation that has none.
_CHAT_TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['content'] is string -%}{{ message['content'] }}"
    "{%- else -%}{%- for part in message['content'] -%}"
    "{%- if part['type'] == 'image' or 'image' in part -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- elif 'text' in part -%}{{ part['text'] }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}<|im_end|>{{ '\n' }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\n' }}{%- endif -%}"
)


def response(answer: str) -> str:
    """A well-formed response that gives `answer`."""
    return f"<think>{THOUGHT}</think><answer>{answer}</answer>"


# All that the policy of the bird world reads and says.
_TEXTS = (
    THOUGHT,
    load_prompt(PROMPT),
    *[species.label for species in SPECIES],
    *[family.value for family in Family],
    ROOT,
)


def build_tokenizer(texts: Sequence[str] = _TEXTS) -> Qwen2Tokenizer:
    """Byte-level BPE with Qwen's special tokens, in which every word of `texts` is one token; any text encodes."""
    words = ["user\n", "assistant\n", "answer"]
    words += [part for text in texts for part in re.split("|".join(_TAGS), text) if part]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=4096,  # more than the words need: merging ends when each is one token
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(words, trainer)
    trained = json.loads(bpe.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=trained["vocab"],
        merges=[tuple(merge) for merge in trained["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=list(_SPECIAL),
        chat_template=_CHAT_TEMPLATE,
        model_max_length=MAX_POSITIONS,
    )
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in _TAGS])
    return tokenizer


def build_processor(tokenizer: Qwen2Tokenizer) -> Qwen2_5_VLProcessor:
    """Qwen2.5-VL's processor, every picture brought to 4 tokens."""
    pixels = {"shortest_edge": IMAGE_SIDE**2, "longest_edge": IMAGE_SIDE**2}
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=pixels),
        chat_template=_CHAT_TEMPLATE,
    )


def build_model(tokenizer: Qwen2Tokenizer, seed: int) -> Qwen2_5_VLForConditionalGeneration:
    """Random fp32 weights; vLLM's CPU attention asks for heads of 32 dimensions or more."""
    ids = dict(zip(_SPECIAL, tokenizer.encode("".join(_SPECIAL)), strict=True))
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": MAX_POSITIONS,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
            "tie_word_embeddings": True,
            "initializer_range": INITIALIZER_RANGE,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_heads": 4,
            "out_hidden_size": 128,
            "fullatt_block_indexes": [0, 1],
            "initializer_range": INITIALIZER_RANGE,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
        dtype="float32",
    )
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config).float().eval()
    model.generation_config = GenerationConfig(
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=[ids["<|im_end|>"], ids["<|endoftext|>"]],
        pad_token_id=ids["<|endoftext|>"],
        do_sample=False,
    )
    return model


def save_policy(model: Qwen2_5_VLForConditionalGeneration, processor: Qwen2_5_VLProcessor, folder: Path) -> None:
    """Write a Hugging Face folder, which transformers, verl and vLLM load alike."""
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def main(
    out: Annotated[Path, typer.Option(help="Folder of the model that is written.")],
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
) -> None:
    """Write a policy with random weights."""
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, seed)
    with whole_folder(out) as partial:
        save_policy(model, build_processor(tokenizer), partial)
    typer.echo(f"{out}: {model.num_parameters() / 1e6:.2f} M parameters, vocabulary of {len(tokenizer)}")


if __name__ == "__main__":
    run_stage(main)
