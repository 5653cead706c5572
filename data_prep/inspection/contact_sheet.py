"""A sheet of thumbnails with their labels: one look tells whether pictures and labels belong together."""

import io
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

from speciarl_verl.files import whole_file

_CELL = 160  # pixels
_TEXT = 34
_GAP = 8
_COLUMNS = 6
_FONT_SIZE = 13
_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf")
_Font: TypeAlias = "ImageFont.FreeTypeFont | ImageFont.ImageFont"


@dataclass(frozen=True)
class Sample:
    """One picture for the sheet."""

    data: bytes
    label: str


def write_contact_sheet(samples: Sequence[Sample], path: Path) -> None:
    """Write a PNG of all samples, six in a row.

    Raises:
        InputError: the file cannot be written.
    """
    columns = min(_COLUMNS, len(samples))
    lines = -(-len(samples) // columns)
    sheet = Image.new("RGB", (columns * (_CELL + _GAP) + _GAP, lines * (_CELL + _TEXT + _GAP) + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = _font()
    for number, sample in enumerate(samples):
        left = _GAP + number % columns * (_CELL + _GAP)
        top = _GAP + number // columns * (_CELL + _TEXT + _GAP)
        with Image.open(io.BytesIO(sample.data)) as image:
            thumbnail = image.convert("RGB")
        scale = min(_CELL / thumbnail.width, _CELL / thumbnail.height)
        size = (max(1, round(thumbnail.width * scale)), max(1, round(thumbnail.height * scale)))
        thumbnail = thumbnail.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
        sheet.paste(thumbnail, (left + (_CELL - size[0]) // 2, top + _CELL - size[1]))
        for line, text in enumerate(_wrap(_drawable(sample.label, font), draw, font)):
            draw.text((left + _CELL / 2, top + _CELL + 2 + 16 * line), text, "black", font, anchor="ma")
    with whole_file(path) as partial:
        sheet.save(partial, format="PNG")


def _font() -> _Font:
    """A font with more than ASCII, of the system or of matplotlib; else Pillow's own."""
    found = find_spec("matplotlib")
    places = (found.submodule_search_locations if found else None) or ()
    own = [Path(place) / "mpl-data/fonts/ttf/DejaVuSans.ttf" for place in places]
    for name in (*_FONTS, *map(str, own)):
        with suppress(OSError):
            return ImageFont.truetype(name, _FONT_SIZE)
    return ImageFont.load_default(size=_FONT_SIZE)


def _drawable(label: str, font: _Font) -> str:
    """The label, or where the font lacks a letter of it, as much of it as ASCII has: `creme brulee`."""
    absent = bytes(font.getmask("\uffff"))
    if all(letter.isascii() or bytes(font.getmask(letter)) != absent for letter in label):
        return label
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return plain if plain.strip() else ascii(label)


def _wrap(label: str, draw: ImageDraw.ImageDraw, font: _Font) -> list[str]:
    """At most two lines that fit a cell."""
    lines: list[str] = []
    rest = label.split()
    while rest and len(lines) < 2:
        count = len(rest)
        while count > 1 and draw.textlength(" ".join(rest[:count]), font) > _CELL:
            count -= 1
        lines.append(" ".join(rest[:count]))
        rest = rest[count:]
    if rest:
        lines[-1] += " ..."
    for number, text in enumerate(lines):
        while draw.textlength(text, font) > _CELL and len(text) > 4:
            text = text.removesuffix("...")[:-1] + "..."
        lines[number] = text
    return lines
