"""Small WebP copies of a run's pictures, as many as one HTML page can carry.

A page of more pictures gets smaller ones: the setting is chosen once, from a sample, so that they look alike and all of
them stay within a budget.
"""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from speciarl_verl.on_white import to_rgb

BUDGET = 24_000_000
"""Bytes of all thumbnails of a page; base64 makes 32 MB of it."""

_SAMPLE = 32
_BATCH = 64
"""Pictures read ahead of the encoders: a picture of a data set has up to several megabytes."""
_FASTER_ENCODING = 2
"""libwebp's effort, of 6: half of the default's time for 3% more bytes."""


@dataclass(frozen=True)
class Setting:
    """How a thumbnail is made.

    Attributes:
        side: of the square that it fits into, in pixels.
        quality: WebP's, in [0, 100].
    """

    side: int
    quality: int


SETTINGS = (Setting(160, 60), Setting(160, 35), Setting(112, 45), Setting(80, 45), Setting(64, 25), Setting(40, 15))
"""From the largest file to the smallest."""


def encode_thumbnails(count: int, read: Callable[[int], bytes | None]) -> Iterator[bytes | None]:
    """A thumbnail (WebP) of each of `count` pictures, in order; None for one that is missing or cannot be decoded.

    Args:
        read: picture number -> the bytes of its file, None where there is none. Called in this thread only, and for
            some pictures twice.
    """
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        setting = choose_setting([read(number) for number in _spread(count)], count)
        for start in range(0, count, _BATCH):
            files = [read(number) for number in range(start, min(count, start + _BATCH))]
            yield from threads.map(lambda data: encode_thumbnail(data, setting), files)


def choose_setting(sample: Sequence[bytes | None], count: int) -> Setting:
    """The best setting with which `count` pictures like those of `sample` stay within the budget; else the smallest."""
    for setting in SETTINGS[:-1]:
        sizes = [len(made) for made in (encode_thumbnail(data, setting) for data in sample) if made is not None]
        if not sizes or sum(sizes) / len(sizes) * count <= BUDGET:
            return setting
    return SETTINGS[-1]


def encode_thumbnail(data: bytes | None, setting: Setting) -> bytes | None:
    """One picture as the model's loader sees it (no EXIF rotation), scaled down; None where that cannot be had."""
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            # A large JPEG is decoded at a fraction of its size here.
            image.thumbnail((setting.side, setting.side))
            out = io.BytesIO()
            to_rgb(image).save(out, format="WEBP", quality=setting.quality, method=_FASTER_ENCODING)
            return out.getvalue()
    except Exception:  # Pillow raises a dozen types, by format and place of the damage
        return None


def _spread(count: int) -> list[int]:
    """Up to `_SAMPLE` numbers, evenly over [0, count)."""
    taken = min(count, _SAMPLE)
    return [index * count // taken for index in range(taken)]
