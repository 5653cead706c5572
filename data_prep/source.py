"""Find a publisher's files in what the user points at: an archive, its unpacked folder, or a folder of archives."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.unpack import is_archive, is_litter, unpack

_DEPTH = 4
"""How many folders may lie around the publisher's own root."""


@dataclass(frozen=True)
class Source:
    """The folders in which a publisher's files are looked for.

    Attributes:
        given: what the user named; used in messages.
        roots: `given` itself if it is a folder, and the folder into which archives were unpacked.
    """

    given: Path
    roots: tuple[Path, ...]

    def root_of(self, expected: Sequence[str], cure: str) -> Path:
        """The outermost folder that holds most of the `expected` files and folders, then checked to hold all.

        Raises:
            DataPrepError: none is found, or the first that is missing.
        """
        best, held = None, 0
        for folder in self._folders():
            count = sum((folder / name).exists() for name in expected)
            if count > held:
                best, held = folder, count
        if best is None:
            raise DataPrepError(f"{self.given}: holds no {' or '.join(expected)}: {cure}")
        for name in expected:
            if not (best / name).exists():
                raise DataPrepError(f"{best / name}: missing: {cure}")
        return best

    def find(self, name: str, cure: str) -> Path:
        """The outermost file or folder of that name.

        Raises:
            DataPrepError: there is none.
        """
        return self.root_of([name], cure) / name

    def holds(self, name: str) -> bool:
        """True when a file or folder of that name is there."""
        return any((folder / name).exists() for folder in self._folders())

    def _folders(self) -> Iterator[Path]:
        level = list(self.roots)
        for _ in range(_DEPTH + 1):
            yield from level
            level = [child for folder in level for child in _subfolders(folder)]


def open_source(given: Path, scratch: Path, archives: Sequence[str] = (), needed: Sequence[str] = ()) -> Source:
    """Make what the user named into folders, unpacking archives into `scratch` where it has to be.

    Args:
        given: an archive, or a folder that holds the publisher's files or archives.
        scratch: created on demand; the caller removes it.
        archives: patterns of the publisher's archive names; those beside or below `given` are unpacked.
        needed: files or folders of which none may be missing before an archive in a folder is left packed.

    Raises:
        DataPrepError: `given` is not there, is no archive, or an archive is damaged.
    """
    if not given.exists():
        raise DataPrepError(f"{given}: no such file or folder: give the publisher's archive or its unpacked folder")
    if given.is_file():
        if not is_archive(given):
            raise DataPrepError(
                f"{given}: not an archive (.tgz, .tar.gz, .tar, .zip): give one, or the unpacked folder"
            )
        siblings = [path for path in _archives_in(given.parent, archives) if path != given]
        _unpack_all([given, *siblings], scratch, archives)
        return Source(given=given, roots=(scratch,))
    folder = Source(given=given, roots=(given,))
    packed = [path for parent in folder._folders() for path in _archives_in(parent, archives)] if archives else []
    if packed and not all(folder.holds(name) for name in needed):
        _unpack_all(packed, scratch, archives)
        return Source(given=given, roots=(given, scratch))
    return folder


def _unpack_all(paths: Sequence[Path], scratch: Path, archives: Sequence[str]) -> None:
    for path in paths:
        target = scratch / path.name
        unpack(path, target)
        inner = Source(given=path, roots=(target,))
        _unpack_all([p for folder in inner._folders() for p in _archives_in(folder, archives)], target, archives)


def _archives_in(folder: Path, patterns: Sequence[str]) -> list[Path]:
    names = sorted(os.listdir(folder)) if patterns else []
    paths = [folder / name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
    return [path for path in paths if is_archive(path)]


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir() and not is_litter(entry.name))
    except OSError as error:
        raise DataPrepError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error
