"""Reads and writes of whole text files, with faults that name the file.

What is written is there whole or not at all, whatever kills the writer.
"""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from speciarl_verl.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; the file replaces `path` when the block ends well.

    Raises:
        InputError: the folder or the file cannot be written, such as on a full disk.
    """
    # The ending stays, as writers of pictures go by it.
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def write_text(path: Path, text: str) -> None:
    """Put a UTF-8 text in place of the file.

    Raises:
        InputError: it cannot be written.
    """
    with whole_file(path) as partial:
        partial.write_bytes(text.encode())


@contextmanager
def readable(name: object) -> Iterator[None]:
    """What the system has against reading a file or folder becomes one line that begins with `name`.

    Raises:
        InputError: it has something.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror or error}") from error


def decode(data: bytes, name: object) -> str:
    """UTF-8, a byte order mark (as spreadsheets write it) taken off.

    Raises:
        InputError: it is something else; names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}:{line}: not UTF-8 text: convert the file first") from None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    with readable(path):
        data = path.read_bytes()
    return decode(data, path)


def json_lines(text: str, name: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The numbered objects of a text of JSON lines; blank lines are passed over.

    Raises:
        InputError: a line holds something else; names it.
    """
    # Not splitlines: a JSON string may hold U+2028 or U+0085 as it is.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}:{number}: not JSON ({error}); each line must be one JSON object") from None
        if not isinstance(value, dict):
            raise InputError(f"{name}:{number}: a {type(value).__name__}; each line must be one JSON object")
        yield number, value


def csv_rows(text: str, name: object) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV by the names in its header, each with the line where it begins; blank lines are passed over.

    The delimiter is the one of comma, semicolon, tab and bar that the header has most of. Fields may be of any length.

    Raises:
        InputError: it is no CSV, has two columns of one name, or a row is of another width than the header.
    """
    said = _says_its_delimiter(text)
    body = text.partition("\n")[2] if said else text
    # The limit is the process's.
    limit = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter_of(text), strict=True)
        yield from _csv_rows(reader, name, skipped=int(said))
    finally:
        csv.field_size_limit(limit)


def delimiter_of(text: str) -> str:
    """The one of comma, semicolon, tab and bar that a CSV's header has most of."""
    first, _, rest = text.partition("\n")
    header = rest.partition("\n")[0] if _says_its_delimiter(text) else first
    return max(",;\t|", key=header.count)


def _says_its_delimiter(text: str) -> bool:
    """True where Excel's own first line stands before the header."""
    return text[:4].lower() == "sep=" and "\n" in text


def _csv_rows(reader: Any, name: object, skipped: int) -> Iterator[tuple[int, dict[str, str]]]:
    header: list[str] = []
    while True:
        # Where the row begins: a quoted field may go on over several lines.
        number = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{name}:{number}: not CSV ({error}); check its quotes") from error
        if not cells:
            continue
        if not header:
            header = cells
            if len(set(header)) < len(header):
                raise InputError(f"{name}:{number}: two columns of the header have one name; rename one")
            continue
        if len(cells) != len(header):
            raise InputError(
                f"{name}:{number}: {len(cells)} fields under a header of {len(header)}; check its quotes and delimiters"
            )
        yield number, dict(zip(header, cells, strict=True))
