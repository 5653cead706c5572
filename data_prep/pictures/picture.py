"""One picture: is it whole, does a model's loader see it as a person does, and does it fit the pixel budget?

A file passes through byte for byte when verl's loader (`PIL.Image.open`, no EXIF rotation, conversion to RGB) shows it
rightly and it is within the budget. Every other one is re-encoded, by one encoder: RGB JPEG, quality 95, no chroma
subsampling.
"""

import io
import math
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from data_prep.error import DataPrepError
from data_prep.pictures.formats import formats_of, kind_of
from data_prep.pictures.png_text import without_text
from data_prep.pictures.settings import MIN_SIDE, Settings
from speciarl_verl.on_white import to_rgb

MAX_RATIO = 200
"""Qwen's image processor refuses a picture that is more elongated, in the middle of a training."""

MAX_SOURCE_PIXELS = 178_956_970
"""Pillow's limit against decompression bombs."""

_PASSING_FORMATS = frozenset({"JPEG", "PNG", "WEBP", "MPO"})
_PASSING_MODES = frozenset({"RGB", "L"})
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Picture:
    """What is stored of a picture: the bytes of an image file, and whether they are ours or the publisher's."""

    data: bytes
    reencoded: bool


def prepare_picture(data: bytes, where: str, settings: Settings) -> Picture:
    """Check the bytes of one file and re-encode them if they have to be.

    Args:
        data: the whole file.
        where: how a message names it.

    Raises:
        DataPrepError: empty, not an image, truncated, or of a size that no model takes.
    """
    if not data:
        raise DataPrepError(f"{where}: is empty: {_CURE}")
    try:
        # Pillow warns of what is refused or mended here anyway.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _prepare(data, where, settings)
    except UnidentifiedImageError as error:
        kind = kind_of(data)
        if kind is not None:
            raise DataPrepError(f"{where}: a {kind} file, which Pillow does not read here: save it as JPEG") from error
        raise DataPrepError(f"{where}: not an image (it starts with {data[:12]!r}): {_CURE}") from error
    except Image.DecompressionBombError as error:
        raise DataPrepError(f"{where}: has more than {MAX_SOURCE_PIXELS} pixels: scale it down first") from error
    except DataPrepError:
        raise
    except Exception as error:  # Pillow raises a dozen types, by format and place of the damage
        raise DataPrepError(f"{where}: truncated or damaged image ({_one_line(error)}): {_CURE}") from error


_CURE = "replace it, or leave such pictures out with --skip-broken"


def _prepare(data: bytes, where: str, settings: Settings) -> Picture:
    try:
        with Image.open(io.BytesIO(data), formats=formats_of(where)) as image:
            _check_size(image.size, where)
            if not _passes(image, settings):
                return Picture(data=_encode(image, where, settings), reencoded=True)
            if settings.verify == "full":
                _decode(image)
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    # A PNG may say so behind its pixels only.
                    return Picture(data=_encode(Image.open(io.BytesIO(data)), where, settings), reencoded=True)
            return Picture(data=data, reencoded=False)
    except ValueError as error:
        # Pillow, and with it verl's loader, refuses a PNG with more than a megabyte of text.
        bare = without_text(data) if "text" in str(error).lower() else data
        if bare == data:
            raise
        return Picture(data=_prepare(bare, where, settings).data, reencoded=True)


def _check_size(size: tuple[int, int], where: str) -> None:
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise DataPrepError(f"{where}: {width} x {height} pixels, a side needs at least {MIN_SIDE}: {_CURE}")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise DataPrepError(f"{where}: {width} x {height} pixels, more elongated than {MAX_RATIO}:1: {_CURE}")


def _passes(image: Image.Image, settings: Settings) -> bool:
    return (
        image.format in _PASSING_FORMATS
        and image.mode in _PASSING_MODES
        and image.width * image.height <= settings.max_pixels
        and not settings.cut_bottom
        and "transparency" not in image.info
        and ("exif" not in image.info or image.getexif().get(_ORIENTATION, 1) == 1)
    )


def _decode(image: Image.Image) -> None:
    # At an eighth of the size and in grey, libjpeg still entropy-decodes every block: it finds the same damage
    # in half of the time.
    image.draft("L", (1, 1))
    image.load()


def _encode(image: Image.Image, where: str, settings: Settings) -> bytes:
    if not settings.cut_bottom:
        width, height = _fit(image.size, settings.max_pixels)
        # A JPEG of twice the target's size or more is decoded at a fraction of its own: less memory, less time.
        image.draft("RGB", (2 * width, 2 * height))
    upright = _to_rgb(ImageOps.exif_transpose(image), where)
    if settings.cut_bottom:
        rest = (upright.width, max(0, upright.height - settings.cut_bottom))
        _check_size(rest, f"{where}, less {settings.cut_bottom} rows at the bottom")
        upright = upright.crop((0, 0, *rest))
    size = _fit(upright.size, settings.max_pixels)
    if size != upright.size:
        upright = upright.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    upright.save(out, format="JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _to_rgb(image: Image.Image, where: str) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey, as 32-bit integers in some formats: convert() would clip it to white.
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if image.mode == "F":
        raise DataPrepError(f"{where}: floating-point pixels have no known white: save it as 8-bit RGB")
    return to_rgb(image)


def _fit(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = math.sqrt(max_pixels / (width * height))
    return max(MIN_SIDE, math.floor(width * scale)), max(MIN_SIDE, math.floor(height * scale))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
