"""What decides about the bytes that are stored of a picture."""

from dataclasses import dataclass
from typing import Literal

Verify = Literal["header", "full"]

DEFAULT_MAX_PIXELS = 1280 * 28 * 28
"""1,280 image tokens of Qwen2.5-VL (28 x 28 pixels each): with the prompt they fit 2,048 tokens."""

MIN_SIDE = 14
"""One patch of the vision tower: a smaller picture shows nothing."""


@dataclass(frozen=True)
class Settings:
    """How the pictures of a run are checked and stored.

    Attributes:
        verify: `full` decodes every picture; `header` only those that are re-encoded.
        max_pixels: a picture of more (width x height) is scaled down to it.
        skip_broken: broken pictures are left out and listed; otherwise the first one ends the run.
        cut_bottom: rows of pixels to cut off at the bottom, as shown upright and at full size.
    """

    verify: Verify = "full"
    max_pixels: int = DEFAULT_MAX_PIXELS
    skip_broken: bool = False
    cut_bottom: int = 0
