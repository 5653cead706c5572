"""Unpack a publisher's archive, without what macOS leaves in it and without leaving the target folder.

Links to what the archive holds are kept; a link that leads out of it is refused. Names are UTF-8, or in an encoding
that the user names: old zip files do not say in which.
"""

import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from data_prep.error import DataPrepError
from data_prep.file_names import is_litter, is_utf8

_SUFFIXES = (".tgz", ".tar.gz", ".tar", ".tar.bz2", ".tar.xz", ".zip")
_ENCRYPTED = 0x1
_UTF8 = 0x800
_UNICODE_PATH = 0x7075


def is_archive(path: Path) -> bool:
    """True for a file whose name ends as an archive's does."""
    return path.is_file() and path.name.lower().endswith(_SUFFIXES) and not is_litter(path.name)


def unpack(archive: Path, target: Path, encoding: str | None = None) -> None:
    """Unpack the files and links of `archive` into `target`, unless an earlier run did.

    Args:
        encoding: of the names that are not UTF-8.

    Raises:
        DataPrepError: the archive is damaged, encrypted, or has a name or a link that cannot be followed; no space.
    """
    status = archive.stat()
    seal = target / f".unpacked-{archive.name}-{status.st_size}-{status.st_mtime_ns}"
    if seal.exists():
        return
    target.mkdir(parents=True, exist_ok=True)
    try:
        (_unpack_zip if archive.name.lower().endswith(".zip") else _unpack_tar)(archive, target, encoding)
    except UnicodeDecodeError as error:
        raise DataPrepError(
            f"{archive}: says that the name {error.object!r} is UTF-8, which it is not: unpack it and give the folder"
        ) from error
    except NotImplementedError as error:
        raise DataPrepError(f"{archive}: {error}, by Python: unpack it and give the folder") from error
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, RuntimeError) as error:
        raise DataPrepError(f"{archive}: damaged or truncated archive ({error}): download it again") from error
    except OSError as error:
        # gzip reports a bad header as a plain OSError without a number.
        if error.errno is None:
            raise DataPrepError(f"{archive}: damaged archive ({error}): download it again") from error
        raise DataPrepError(f"{target}: cannot unpack {archive.name} ({error.strerror}): free disk space") from error
    seal.touch()


def _unpack_tar(archive: Path, target: Path, encoding: str | None) -> None:
    links = []
    with tarfile.open(archive, encoding=_codec(encoding or "utf-8")) as tar:
        for member in tqdm(tar, desc=f"unpacking {archive.name}", unit="file", disable=None):
            parts = _parts(archive, member.name)
            if member.isdir() or not parts:
                continue
            path = target.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            if member.issym():
                links.append((path, _utf8(archive, member.linkname)))
            elif member.islnk():
                _link_hard(archive, member.name, path, target.joinpath(*_parts(archive, member.linkname)))
            elif member.isfile():
                # The time tells a resumed run that the picture is still the same one.
                _write(path, tar.extractfile(member), member.mtime)
            else:
                raise DataPrepError(f"{archive}: {member.name} is a device or a pipe: do not trust this file")
    _link(archive, target, links)


def _unpack_zip(archive: Path, target: Path, encoding: str | None) -> None:
    links = []
    with zipfile.ZipFile(archive) as packed:
        for member in tqdm(packed.infolist(), desc=f"unpacking {archive.name}", unit="file", disable=None):
            parts = _parts(archive, _zip_name(archive, member, encoding))
            if member.is_dir() or not parts:
                continue
            if member.flag_bits & _ENCRYPTED:
                raise DataPrepError(f"{archive}: is encrypted: unpack it with its password and give the folder")
            path = target.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(member.external_attr >> 16):
                links.append((path, _utf8(archive, packed.read(member).decode("utf-8", "surrogateescape"))))
            else:
                _write(path, packed.open(member), 0)
    _link(archive, target, links)


def _write(path: Path, stream: IO[bytes] | None, modified: float) -> None:
    assert stream is not None
    with stream, path.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    os.utime(path, (modified, modified))


def _link_hard(archive: Path, name: str, path: Path, existing: Path) -> None:
    if not existing.is_file():
        raise DataPrepError(
            f"{archive}: {name} is a link to {existing.name}, which does not stand before it: download it again"
        )
    path.unlink(missing_ok=True)
    os.link(existing, path)


def _link(archive: Path, target: Path, links: Sequence[tuple[Path, str]]) -> None:
    """Make the symbolic links, after all files: nothing is written through one."""
    for path, leads_to in links:
        path.unlink(missing_ok=True)
        path.symlink_to(leads_to)
    # Only when all are there is it known where each leads.
    root = target.resolve()
    for path, leads_to in links:
        if not _follow(archive, path).is_relative_to(root):
            raise DataPrepError(f"{archive}: {path.name} is a link to {leads_to}, outside: do not trust this file")


def _follow(archive: Path, link: Path) -> Path:
    try:
        return link.resolve()
    except (OSError, RuntimeError) as error:
        raise DataPrepError(f"{archive}: {link.name} is a link in a circle: do not trust this file") from error


def _parts(archive: Path, name: str) -> tuple[str, ...]:
    """The folders and the file that a member's name speaks of; none for litter."""
    parts = tuple(part for part in PurePosixPath(_utf8(archive, name).replace("\\", "/")).parts if part != ".")
    if any(is_litter(part) and part != ".." for part in parts):
        return ()
    if ".." in parts or parts[:1] == ("/",):
        raise DataPrepError(f"{archive}: member {name!r} points outside of the archive: do not trust this file")
    return parts


def _zip_name(archive: Path, member: zipfile.ZipInfo, encoding: str | None) -> str:
    """The name, as the archive says in one of three ways, or as UTF-8 if it is that, or in the user's encoding."""
    if member.flag_bits & _UTF8 or member.orig_filename.isascii():
        return member.filename
    try:
        raw = member.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename  # this Python has read the Unicode name already
    said = _unicode_path(member.extra, raw)
    if said is not None:
        return said
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        if encoding is None:
            raise _not_utf8(archive, raw.decode("utf-8", "surrogateescape")) from None
    try:
        return raw.decode(_codec(encoding))
    except UnicodeDecodeError as error:
        raise DataPrepError(f"{archive}: the name {raw!r} is not {encoding}: give another --name-encoding") from error


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in Info-ZIP's extra field, if it belongs to the name `raw`."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        body, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(body) > 5 and body[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return body[5:].decode("utf-8", "replace")
    return None


def _codec(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise DataPrepError(f"--name-encoding {encoding}: no such encoding: try gbk, shift_jis or cp437") from error
    return encoding


def _utf8(archive: Path, name: str) -> str:
    if not is_utf8(name):
        raise _not_utf8(archive, name)
    return name


def _not_utf8(archive: Path, name: str) -> DataPrepError:
    return DataPrepError(
        f"{archive}: the name {name!a} is not UTF-8: give the encoding of its names to `folder` with "
        "--name-encoding (gbk, shift_jis, cp437, ...), or unpack it and give the folder"
    )
