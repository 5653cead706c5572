"""Find a publisher's files in what the user points at: an archive, its unpacked folder, or a folder of archives."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from data_prep.error import DataPrepError
from data_prep.file_names import is_litter, is_utf8
from data_prep.unpack import is_archive, unpack

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
            if held == len(expected):
                break
        if best is None:
            raise DataPrepError(f"{self.given}: holds no {' or '.join(expected)}: {cure}")
        for name in expected:
            if not (best / name).exists():
                raise DataPrepError(f"{best / name}: missing: {cure}")
        return best

    def find(self, name: str, cure: str) -> Path:
        """The outermost file or folder of that name; of a folder that repeats itself inside, the inner one.

        Raises:
            DataPrepError: there is none.
        """
        path = self.root_of([name], cure) / name
        while (path / name).is_dir():
            path /= name
        return path

    def holds(self, name: str) -> bool:
        """True when a file or folder of that name is there."""
        return any((folder / name).exists() for folder in self._folders())

    def _folders(self) -> Iterator[Path]:
        level = list(self.roots)
        for _ in range(_DEPTH + 1):
            yield from level
            level = [child for folder in level for child in _subfolders(folder)]


def open_source(given: Path, scratch: Path, archives: Mapping[str, str], encoding: str | None = None) -> Source:
    """Make what the user named into folders, unpacking archives into `scratch` where it has to be.

    Args:
        given: an archive, or a folder that holds the publisher's files or archives.
        scratch: created on demand; the caller removes it.
        archives: pattern of an archive's name -> a file or folder in it; in a folder that has the one, the other is
            left packed.
        encoding: of names in the archive that are not UTF-8.

    Raises:
        DataPrepError: `given` is not there, is no archive, or an archive is damaged.
    """
    if not given.exists():
        raise DataPrepError(f"{given}: no such file or folder: give the publisher's archive or its unpacked folder")
    if given.is_dir():
        packed = _unpack_missing(Source(given=given, roots=(given,)), scratch, archives)
        return Source(given=given, roots=(given, scratch) if packed else (given,))
    if not is_archive(given):
        raise DataPrepError(f"{given}: not an archive (.tgz, .tar.gz, .tar, .zip): give one, or its folder")
    unpack(given, scratch, encoding)
    source = Source(given=given, roots=(scratch,))
    _unpack_missing(source, scratch, archives)
    return source


def _unpack_missing(source: Source, scratch: Path, archives: Mapping[str, str]) -> bool:
    """Unpack what is packed only; True when there was something. An archive may hold archives."""
    wanted = [pattern for pattern, content in archives.items() if not source.holds(content)]
    if not wanted:
        return False
    found = False
    for folder in list(source._folders()):
        for name in sorted(os.listdir(folder)):
            if any(fnmatch(name, pattern) for pattern in wanted) and is_archive(folder / name):
                unpack(folder / name, scratch)
                found = True
    if found:
        _unpack_missing(Source(given=source.given, roots=(scratch,)), scratch, archives)
    return found


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(Path(entry.path) for entry in entries if entry.is_dir() and not is_litter(entry.name))
    except OSError as error:
        raise DataPrepError(f"{folder}: cannot be read ({error.strerror}): check its permissions") from error
    for path in found:
        if not is_utf8(path.name):
            raise DataPrepError(f"{folder}: the name {path.name!a} is not UTF-8: rename it")
    return found
