"""From the names in a table of labels to the pictures in a folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_prep.error import DataPrepError
from data_prep.left_out import LeftOut
from data_prep.readers.label_table import LabelRow
from data_prep.readers.picture_files import files_in, is_picture


@dataclass(frozen=True)
class Located:
    """Where the pictures of a table are.

    Attributes:
        names: one a row, relative to the folder; as written where there is no such file.
        beside: pictures in the same folders that the table does not name.
        notes: what was read otherwise than it is written.
    """

    names: tuple[str, ...]
    beside: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def locate(rows: Sequence[LabelRow], root: Path) -> Located:
    """Find the pictures of the rows; a name may lack its ending, or differ in case, where only one file fits.

    Raises:
        DataPrepError: a name leads out of the folder.
    """
    written = [_inside(row, root) for row in rows]
    held: dict[str, None] = {}
    for folder in sorted({name.rpartition("/")[0] for name in written}):
        if (root / folder).is_dir():
            names = (f"{folder}/{name}" if folder else name for name in files_in(root / folder, deep=False))
            held |= dict.fromkeys(name for name in names if is_picture(name))
    similar: dict[str, list[str]] = {}
    for name in held:
        for key in (name.casefold(), os.path.splitext(name)[0].casefold()):
            similar.setdefault(key, []).append(name)
    found = []
    for name in written:
        others = similar.get(name.casefold(), [])
        found.append(others[0] if name not in held and len(others) == 1 else name)
    changed = [(name, place) for name, place in zip(written, found, strict=True) if name != place]
    notes = [f"{len(changed)} names in the table are files: {a!r} is {b!r}" for a, b in changed[:1]]
    listed = set(found)
    beside = LeftOut.of("pictures that the table does not name", [name for name in held if name not in listed])
    return Located(tuple(found), beside, tuple(notes))


def _inside(row: LabelRow, root: Path) -> str:
    """The name of a row's picture in the folder, in one way of many."""
    path = PurePosixPath(row.file_name)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    if path.is_absolute() or ".." in parts or not parts:
        raise DataPrepError(f"{row.place}: {row.file_name} lies outside of {root}: give --source a folder of both")
    return "/".join(parts)
