"""Unpack a publisher's archive, without what macOS leaves in it and without leaving the target folder."""

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from data_prep.error import DataPrepError

_SUFFIXES = (".tgz", ".tar.gz", ".tar", ".tar.bz2", ".tar.xz", ".zip")


def is_archive(path: Path) -> bool:
    """True for a file whose name ends as an archive's does."""
    return path.is_file() and path.name.lower().endswith(_SUFFIXES) and not is_litter(path.name)


def is_litter(name: str) -> bool:
    """True for what is no part of a data set: hidden files, macOS's `._x` and `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def unpack(archive: Path, target: Path) -> None:
    """Unpack the regular files of `archive` into `target`, unless an earlier run did.

    Raises:
        DataPrepError: the archive is damaged or truncated, or the disk is full.
    """
    status = archive.stat()
    seal = target / f".unpacked-{archive.name}-{status.st_size}-{status.st_mtime_ns}"
    if seal.exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    opener = _zip_members if archive.name.lower().endswith(".zip") else _tar_members
    try:
        members = tqdm(opener(archive), desc=f"unpacking {archive.name}", unit="file", disable=None)
        for name, modified, stream in members:
            _write(target, archive, name, modified, stream)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise DataPrepError(f"{archive}: damaged or truncated archive ({error}): download it again") from error
    except OSError as error:
        # gzip reports a bad header as a plain OSError without a number.
        if error.errno is None:
            raise DataPrepError(f"{archive}: damaged archive ({error}): download it again") from error
        raise DataPrepError(f"{target}: cannot unpack {archive.name} ({error.strerror}): free disk space") from error
    seal.touch()


def _tar_members(archive: Path) -> Iterator[tuple[str, float, IO[bytes]]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile():
                stream = tar.extractfile(member)
                assert stream is not None
                yield member.name, float(member.mtime), stream


def _zip_members(archive: Path) -> Iterator[tuple[str, float, IO[bytes]]]:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if not member.is_dir():
                yield member.filename, 0.0, packed.open(member)


def _write(target: Path, archive: Path, name: str, modified: float, stream: IO[bytes]) -> None:
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part != "."]
    if any(is_litter(part) and part != ".." for part in parts):
        return
    if not parts or ".." in parts or parts[0] == "/":
        raise DataPrepError(f"{archive}: member {name!r} points outside of the archive: do not trust this file")
    path = target.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(stream), path.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    # The time tells a resumed run that the picture is still the same one.
    os.utime(path, (modified, modified))
