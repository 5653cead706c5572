"""The files of a run that grow: JSON Lines, appended to and never changed, so that a killed stage resumes.

One batch is one write. A kill can tear the last line only; it is cut off when the file is opened again.
"""

import codecs
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.method.category import Category

T = TypeVar("T")
Line = Mapping[str, Any]

PREDICTIONS = "predictions.jsonl"
VERDICTS = "verdicts.jsonl"


class Journal(Generic[T]):
    """One append-only file of records; use it as a context to append."""

    def __init__(self, path: Path, write: Callable[[T], Line], read: Callable[[Line], T]) -> None:
        self.path = path
        self._write = write
        self._read = read
        self._file: BinaryIO | None = None

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
        """Write records in one go and flush them."""
        if self._file is None:
            raise RuntimeError("append outside the journal's context")
        self._file.write(_encoded(self._write(record) for record in records))
        self._file.flush()

    def replace(self, records: Iterable[T]) -> None:
        """Put other records in place of all, at once or not at all."""
        partial = self.path.with_name(f".partial-{self.path.name}")
        partial.write_bytes(_encoded(self._write(record) for record in records))
        os.replace(partial, self.path)

    def __enter__(self) -> "Journal[T]":
        self._file = self.path.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _record(self, number: int, line: bytes) -> T:
        try:
            return self._read(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(
                f"{self.path}:{number}: not a line of this file's format ({error!r}); remove the line, or the file to "
                "start its stage anew"
            ) from None


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
        ValueError, KeyError, TypeError: it is none.
    """
    prediction = Prediction(
        key=SampleKey(_text(line, "dataset"), _text(line, "image"), _count(line, "sample")),
        ground_truth=_text(line, "ground_truth"),
        response=_optional(line, "response", str),
        failure=_optional(line, "failure", str),
        response_tokens=_optional(line, "response_tokens", int),
    )
    if (prediction.response is None) == (prediction.failure is None):
        raise ValueError("either a response or a failure")
    return prediction


def judged_line(judged: Judged) -> Line:
    """A judged prediction as plain data: the prediction's line and what became of it, the outcome by its symbol."""
    return {
        **prediction_line(judged.prediction),
        "answer": judged.answer,
        "outcome": judged.symbol,
        "refusal": judged.refusal,
        "source": judged.source,
        "confidence": judged.confidence,
    }


def read_judged(line: Line) -> Judged:
    """The inverse of `judged_line`.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    symbol = _text(line, "outcome")
    return Judged(
        prediction=read_prediction(line),
        answer=_optional(line, "answer", str),
        outcome=_OUTCOMES[symbol],
        refusal=_optional(line, "refusal", str),
        source=_optional(line, "source", str),
        confidence=_optional(line, "confidence", (int, float)),
    )


_OUTCOMES: Mapping[str, Category | Outcome] = {
    **{category.symbol: category for category in Category},
    **{outcome.value: outcome for outcome in Outcome},
}


def _encoded(lines: Iterable[Line]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode("utf-8", "backslashreplace")


def _text(line: Line, name: str) -> str:
    value = line[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _count(line: Line, name: str) -> int:
    value = line[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{name} is no count")
    return value


def _optional(line: Line, name: str, kind: Any) -> Any:
    value = line.get(name)
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} is {type(value).__name__}")
    return value
