"""Prompts and pictures as the policy's forward pass takes them, without the processor's detour through PIL.

Every picture has the same size and every prompt the same text, so that ids and positions are computed once.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

from recipes.quickstart.drawing import SIDE
from recipes.quickstart.responses import encode
from recipes.study.drawing import Pictures
from recipes.study.hedging import WORDING

_PATCH, _MERGE, _FRAMES = 14, 2, 2
_GRID = SIDE // _PATCH


@dataclass(frozen=True)
class Prompt:
    """A prompt with the place of a picture in it.

    Attributes:
        ids: `(T,)` int64.
        kinds: `(T,)` int64, 1 where the picture stands.
        grid: `(1, 3)` int64.
    """

    ids: torch.Tensor
    kinds: torch.Tensor
    grid: torch.Tensor


def encode_prompt(processor: Qwen2_5_VLProcessor, name: str) -> Prompt:
    """Encode a prompt by its name, exactly as training renders it."""
    batch = encode(processor, [Image.new("RGB", (SIDE, SIDE))], WORDING[name])
    return Prompt(batch["input_ids"][0], batch["mm_token_type_ids"][0], batch["image_grid_thw"])


def patches(processor: Qwen2_5_VLProcessor, pictures: Pictures) -> torch.Tensor:
    """`(n * 16, 1176)` float32: the `pixel_values` that the processor makes of `(n, 56, 56, 3)`."""
    image = processor.image_processor
    mean, std = np.float32(image.image_mean), np.float32(image.image_std)
    scaled = (pictures.astype(np.float32) / 255 - mean) / std
    n, rows = len(pictures), _GRID // _MERGE
    parts = scaled.reshape(n, rows, _MERGE, _PATCH, rows, _MERGE, _PATCH, 3).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    frames = np.repeat(parts[:, :, :, :, :, :, None], _FRAMES, axis=6)
    return torch.from_numpy(np.ascontiguousarray(frames.reshape(n * _GRID**2, -1)))


def forward_arguments(
    model: Qwen2_5_VLForConditionalGeneration, prompt: Prompt, pixel_values: torch.Tensor, responses: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Arguments of `model.forward` for prompts that are followed by `responses`, `(n, R)` int64."""
    n, width = responses.shape
    ids = torch.cat([prompt.ids.expand(n, -1), responses], dim=1)
    kinds = torch.cat([prompt.kinds, torch.zeros(width, dtype=torch.int64)])[None]
    positions, _ = model.model.get_rope_index(ids[:1], mm_token_type_ids=kinds, image_grid_thw=prompt.grid)
    return {
        "input_ids": ids,
        "pixel_values": pixel_values,
        "image_grid_thw": prompt.grid.expand(n, -1),
        "mm_token_type_ids": kinds.expand(n, -1),
        "position_ids": positions.expand(-1, n, -1),
    }
