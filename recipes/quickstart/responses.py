"""Lets a policy answer pictures with transformers: greedy, or sampled as verl's rollouts are."""

from collections.abc import Sequence

import torch
from PIL import Image
from tqdm import tqdm
from transformers import BatchFeature, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

from recipes.quickstart.policy import PLACEHOLDERS

MAX_NEW_TOKENS = 32
"""Twice the longest response of the warm-up."""


def encode(processor: Qwen2_5_VLProcessor, pictures: Sequence[Image.Image], instruction: str) -> BatchFeature:
    """The prompts of a batch, exactly as training renders them: one user message, the picture before the text.

    Returns:
        `input_ids`, `attention_mask` and `mm_token_type_ids` of shape (B, T), int64, padded on the left;
        `pixel_values` of shape (patches, 1176), float32; `image_grid_thw` of shape (B, 3), int64.
    """
    content = [{"type": "image"}, {"type": "text", "text": instruction}]
    messages = [{"role": "user", "content": content}]
    prompt = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return processor(
        text=[prompt] * len(pictures), images=list(pictures), padding=True, padding_side="left", return_tensors="pt"
    )


def respond(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2_5_VLProcessor,
    pictures: Sequence[Image.Image],
    instruction: str,
    temperature: float = 0.0,
    batch_size: int = 64,
) -> list[str]:
    """One response for each picture, without special tokens; greedy at temperature 0."""
    choice: dict[str, object] = {"do_sample": False}
    if temperature > 0:
        choice = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    banned = [processor.tokenizer.convert_tokens_to_ids(token) for token in PLACEHOLDERS]
    responses: list[str] = []
    for start in tqdm(range(0, len(pictures), batch_size), desc="answering", unit="batch"):
        batch = encode(processor, pictures[start : start + batch_size], instruction)
        with torch.inference_mode():
            tokens = model.generate(**batch, **choice, max_new_tokens=MAX_NEW_TOKENS, suppress_tokens=banned)
        responses += processor.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return responses
