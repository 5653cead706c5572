"""Which files of a folder are pictures, for the layouts that have no list."""

import os
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.unpack import is_litter

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})


def subfolders(folder: Path) -> list[Path]:
    """The folders in `folder` in the order of their names, less what is no part of a data set.

    Raises:
        DataPrepError: it cannot be read.
    """
    return [path for path in _entries(folder) if path.is_dir()]


def pictures_in(folder: Path) -> Iterator[str]:
    """The names of all pictures below `folder`, relative to it, in one order on every system."""
    for path in _entries(folder):
        if path.is_dir():
            yield from (f"{composed(path.name)}/{name}" for name in pictures_in(path))
        elif is_picture(path):
            yield composed(path.name)


def check_all_listed(folder: Path, listed: Collection[str], lists: str) -> None:
    """Refuse pictures that no list names: the publisher's lists are complete, so one of them must have lost its end.

    Raises:
        DataPrepError: naming the first such picture.
    """
    stray = next((name for name in pictures_in(folder) if name not in listed), None)
    if stray is not None:
        raise DataPrepError(f"{folder / stray}: is in none of {lists}, one may be truncated: restore them")


def is_picture(path: Path) -> bool:
    """True for a file that is named as a picture; what it holds is checked when it is read."""
    return path.suffix.lower() in SUFFIXES and not is_litter(path.name) and path.is_file()


def composed(text: str) -> str:
    """The text with diacritics in Unicode's composed form: macOS writes names decomposed."""
    return unicodedata.normalize("NFC", text)


def _entries(folder: Path) -> list[Path]:
    try:
        names = [name for name in os.listdir(folder) if not is_litter(name)]
    except OSError as error:
        raise DataPrepError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error
    return [folder / name for name in sorted(names, key=composed)]
