"""The text lists that publishers ship: one record a line, fields apart by white space."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from data_prep.error import DataPrepError


@dataclass(frozen=True)
class Line:
    """One record.

    Attributes:
        number: of the line in its file, from 1.
        fields: exactly as many as asked for; the last keeps its inner spaces.
    """

    path: Path
    number: int
    fields: tuple[str, ...]

    def integer(self, position: int, low: int, high: int, meaning: str) -> int:
        """A field as a number within [low, high].

        Raises:
            DataPrepError: it is none, or out of range.
        """
        text = self.fields[position]
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise self.error(f"{meaning} is {text!r}, not a number from {low} to {high}")
        return int(text)

    def error(self, problem: str) -> DataPrepError:
        """What is wrong with this line, with the cure for all of them."""
        return DataPrepError(f"{self.path}: line {self.number}: {problem}: {_CURE}")


_CURE = "restore the publisher's file"


def read_lines(path: Path, fields: int = 1, comment: str | None = None) -> list[Line]:
    """The lines of a list that are neither empty nor comments, without Windows line ends and a byte order mark.

    Raises:
        DataPrepError: the file is missing, empty, not UTF-8, or a line has too few fields.
    """
    try:
        # Composed diacritics, as in the names of pictures and labels everywhere else.
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataPrepError(f"{path}: missing: {_CURE}") from error
    except UnicodeDecodeError as error:
        raise DataPrepError(f"{path}: not UTF-8 text (byte {error.start}): {_CURE}") from error
    except OSError as error:
        raise DataPrepError(f"{path}: cannot be read ({error.strerror}): {_CURE}") from error
    lines = []
    for number, content in enumerate(text.split("\n"), start=1):
        record = content.strip()
        if not record or (comment and record.startswith(comment)):
            continue
        line = Line(path=path, number=number, fields=tuple(record.split(maxsplit=fields - 1)))
        if len(line.fields) < fields:
            raise line.error(f"has {len(line.fields)} of {fields} fields, the file may be truncated")
        lines.append(line)
    if not lines:
        raise DataPrepError(f"{path}: is empty: {_CURE}")
    return lines
