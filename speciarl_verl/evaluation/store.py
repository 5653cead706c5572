"""The files of a run that grow: JSON Lines, appended to and never changed, so that a killed stage resumes.

One batch is one write. A kill can tear the last line only; it is cut off when the file is opened again.
"""

import codecs
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import OUTCOMES, Judged, Prediction
from speciarl_verl.files import whole_file

T = TypeVar("T")
Line = dict[str, Any]
_LINE = TypeAdapter(Line)

PREDICTIONS = "predictions.jsonl"
VERDICTS = "verdicts.jsonl"


class Journal(Generic[T]):
    """One append-only file of records."""

    def __init__(self, path: Path, write: Callable[[T], Line], read: Callable[[Line], T]) -> None:
        self.path = path
        self._write = write
        self._read = read

    def load(self, repair: bool = True) -> list[T]:
        """All records, in the order of the file; none where there is no file.

        Args:
            repair: cut a torn last line off the file; else it is only not read.

        Raises:
            EvaluationError: a line is not one of ours.
        """
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data) and repair:
            os.truncate(self.path, whole)
        # An editor may have left its byte order mark, and blank lines.
        lines = data[:whole].removeprefix(codecs.BOM_UTF8).split(b"\n")
        return [self._record(number, line) for number, line in enumerate(lines, start=1) if line.strip()]

    def append(self, records: Sequence[T]) -> None:
        """Write records in one go.

        Raises:
            EvaluationError: they cannot be written, such as on a full disk; those before are kept.
        """
        try:
            with self.path.open("ab") as file:
                file.write(_encoded(self._write(record) for record in records))
        except OSError as error:
            raise EvaluationError(
                f"{self.path}: cannot be written: {error.strerror or error}; see to that and repeat the command"
            ) from error

    def replace(self, records: Iterable[T]) -> None:
        """Put other records in place of all, at once or not at all."""
        with whole_file(self.path) as partial:
            partial.write_bytes(_encoded(self._write(record) for record in records))

    def _record(self, number: int, line: bytes) -> T:
        try:
            return self._read(_LINE.validate_json(line))
        except ValueError as error:
            raise EvaluationError(
                f"{self.path}:{number}: not a line of this file's format ({first_fault(error)}); remove the line, or "
                "the file to start its stage anew"
            ) from None


def first_fault(error: Exception) -> str:
    """What is wrong first, on one line: the field and why."""
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}" if place else fault["msg"]


def predictions_journal(folder: Path) -> Journal[Prediction]:
    """`predictions.jsonl` of a run."""
    return Journal(folder / PREDICTIONS, prediction_line, read_prediction)


def verdicts_journal(folder: Path) -> Journal[Judged]:
    """`verdicts.jsonl` of a run."""
    return Journal(folder / VERDICTS, judged_line, read_judged)


def prediction_line(prediction: Prediction) -> Line:
    """A prediction as plain data, its key flat."""
    line = asdict(prediction)
    return line.pop("key") | line


def read_prediction(line: Line) -> Prediction:
    """The inverse of `prediction_line`.

    Raises:
        ValueError: it is none.
    """
    prediction = _PREDICTION.validate_python({**line, "key": line})
    if (prediction.response is None) == (prediction.failure is None):
        raise ValueError("either a response or a failure")
    return prediction


def judged_line(judged: Judged) -> Line:
    """A judged prediction as plain data: the prediction's line and what became of it, the outcome by its symbol."""
    own = {name: getattr(judged, name) for name in ("answer", "refusal", "source", "confidence")}
    return {**prediction_line(judged.prediction), **own, "outcome": judged.symbol}


def read_judged(line: Line) -> Judged:
    """The inverse of `judged_line`.

    Raises:
        ValueError: it is none.
    """
    outcome = OUTCOMES.get(str(line.get("outcome")))
    if outcome is None:
        raise ValueError(f"outcome {line.get('outcome')!r} is none of {', '.join(OUTCOMES)}")
    return _JUDGED.validate_python({**line, "prediction": read_prediction(line), "outcome": outcome})


_PREDICTION = TypeAdapter(Prediction)
_JUDGED = TypeAdapter(Judged)


def _encoded(lines: Iterable[Line]) -> bytes:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    # Lone surrogates, which no UTF-8 file can hold, become U+FFFD.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
