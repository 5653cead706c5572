"""Small pictures of every kind that data sets hold."""

import io
import random
from typing import Any

from PIL import Image


def noise(seed: int, size: tuple[int, int] = (24, 20), mode: str = "RGB") -> Image.Image:
    """A picture of its own for every seed."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, random.Random(seed).randbytes(size[0] * size[1] * bands))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def jpeg(seed: int) -> bytes:
    """The ordinary picture."""
    return encoded(noise(seed))


def grey_jpeg(seed: int) -> bytes:
    """A grayscale JPEG, of which CUB and Caltech-101 have some."""
    return encoded(noise(seed, mode="L"))


def png(seed: int) -> bytes:
    """A PNG, to be named .jpg as in Oxford-IIIT Pet."""
    return encoded(noise(seed), "PNG")


def any_kind(seed: int) -> bytes:
    """Ordinary, grey, or a PNG in turn; each passes through byte for byte."""
    return (jpeg, grey_jpeg, png)[seed % 3](seed)
