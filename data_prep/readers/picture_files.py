"""The files of a folder, for the layouts that have no list: which are pictures, and which are not."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.file_names import composed, is_litter, is_utf8
from data_prep.left_out import LeftOut
from data_prep.pictures.formats import suffixes


def subfolders(folder: Path) -> list[Path]:
    """The folders in `folder` in the order of their names, less what is no part of a data set.

    Raises:
        DataPrepError: it cannot be read, or a link in it leads nowhere.
    """
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]


def files_in(folder: Path, deep: bool = True, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """The names of all files in and (if `deep`) below `folder`, relative to it, in one order on every system.

    Raises:
        DataPrepError: a folder cannot be read; a link leads nowhere or back up; something is neither file nor folder.
    """
    here = (*above, folder.resolve())
    for entry in _entries(folder):
        if entry.is_dir() and not deep:
            continue
        if entry.is_dir():
            if entry.is_symlink() and Path(entry.path).resolve() in here:
                raise DataPrepError(f"{entry.path}: is a link back to a folder around it: remove it")
            yield from (f"{composed(entry.name)}/{name}" for name in files_in(Path(entry.path), deep, here))
        elif entry.is_file():
            yield composed(entry.name)
        else:
            raise DataPrepError(f"{entry.path}: is neither a file nor a folder: remove it")


def pictures_in(folder: Path) -> list[str]:
    """The names of all pictures below `folder`, relative to it."""
    return [name for name in files_in(folder) if is_picture(name)]


def is_picture(name: str) -> bool:
    """True for a file that is named as a picture; what it holds is checked when it is read."""
    return os.path.splitext(name)[1].lower() in suffixes()


def no_pictures(names: Iterable[str]) -> tuple[LeftOut, ...]:
    """The files among `names` that are not named as pictures, by their endings."""
    by_suffix: dict[str, list[str]] = {}
    for name in names:
        if not is_picture(name):
            by_suffix.setdefault(os.path.splitext(name)[1].lower(), []).append(name)
    found: tuple[LeftOut, ...] = ()
    for suffix in sorted(by_suffix):
        what = f"files ending in {suffix}" if suffix else "files without an ending"
        found += LeftOut.of(f"{what}, which are no pictures that Pillow reads here", by_suffix[suffix])
    return found


def check_all_listed(folder: Path, listed: Collection[str], lists: str) -> None:
    """Refuse pictures that no list names: the publisher's lists are complete, so one of them must have lost its end.

    Raises:
        DataPrepError: naming the first such picture.
    """
    stray = next((name for name in files_in(folder) if is_picture(name) and name not in listed), None)
    if stray is not None:
        raise DataPrepError(f"{folder / stray}: is in none of {lists}, one may be truncated: restore them")


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """What lies in `folder`, in the order of the names, less litter."""
    try:
        with os.scandir(folder) as held:
            found = [entry for entry in held if not is_litter(entry.name)]
    except OSError as error:
        raise DataPrepError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error
    found.sort(key=lambda entry: composed(entry.name))
    for entry in found:
        if not is_utf8(entry.name):
            raise DataPrepError(
                f"{folder}: the name {entry.name!a} is not UTF-8: rename it (the program convmv does it for many)"
            )
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise DataPrepError(
                f"{entry.path}: is a link to {os.readlink(entry.path)}, which is missing: restore or remove it"
            )
    return found
