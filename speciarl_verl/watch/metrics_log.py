"""verl's `file` logger, read as it grows: lines of `{"step": int, "data": {metric: value}}`, one file a launch.

Metric names are verl's and those of `rollout/step_figures.py`.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speciarl_verl.errors import InputError

REWARD = "critic/score/mean"
"""What a training step logs and a validation alone does not."""


@dataclass(frozen=True)
class LoggedStep:
    """What verl logged of one step.

    Attributes:
        number: verl's `global_steps`; 0 is the validation before training.
        figures: finite numbers only: verl writes NaN as null.
    """

    number: int
    figures: Mapping[str, float]

    @property
    def is_training(self) -> bool:
        """False where only a validation was logged."""
        return REWARD in self.figures

    def get(self, name: str, default: float = 0.0) -> float:
        """The figure, or the default where it was not logged."""
        return self.figures.get(name, default)


class GrowingFile:
    """The whole lines of a file that somebody else appends to; a last line without its end waits for the next look.

    Args:
        offset: bytes that are passed over.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self._offset = offset

    def new_lines(self) -> list[str]:
        """What came since the last look; nothing where there is no file yet.

        Raises:
            InputError: the file is there and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror or error}") from error
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", errors="replace").split("\n")[:-1]


def parse_step(line: str, place: object) -> LoggedStep:
    """Read one line of verl's file log.

    Raises:
        InputError: it is something else; names the place.
    """
    try:
        record = json.loads(line)
        number, data = int(record["step"]), record["data"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{place}: no line of verl's file log: {line[:60]!r}") from None
    return LoggedStep(number, {name: float(value) for name, value in data if _is_figure(value)})


def merged(steps: Iterable[LoggedStep]) -> list[LoggedStep]:
    """One entry a step, by number; what was logged twice, before a kill and after the resume, counts as logged last."""
    found: dict[int, dict[str, float]] = {}
    for step in steps:
        found.setdefault(step.number, {}).update(step.figures)
    return [LoggedStep(number, found[number]) for number in sorted(found)]


def metric_files(folder: Path) -> list[Path]:
    """verl's logs in a run's folder `metrics`, in the order of the launches."""
    return sorted(folder.glob("*.jsonl"))


def read_steps(files: Iterable[Path]) -> list[LoggedStep]:
    """All that was logged, by step.

    Raises:
        InputError: a file cannot be read, or holds something else.
    """
    return merged(_steps(files))


def _steps(files: Iterable[Path]) -> Iterator[LoggedStep]:
    for file in files:
        for number, line in enumerate(GrowingFile(file).new_lines(), start=1):
            yield parse_step(line, f"{file}:{number}")


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
