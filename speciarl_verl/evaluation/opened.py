"""A run that has been opened: its folder, held against a second command, and what a whole one holds."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.records import Prediction, SampleKey
from speciarl_verl.evaluation.run import Run
from speciarl_verl.evaluation.store import Journal, predictions_journal


@dataclass(frozen=True)
class Expected:
    """What a whole run holds: every sample of every picture."""

    pictures: Sequence[PictureRow]
    samples: int

    def keys(self) -> Iterator[SampleKey]:
        """In the order of the pictures."""
        for picture in self.pictures:
            yield from sample_keys(picture, self.samples)


def sample_keys(picture: PictureRow, samples: int) -> Iterator[SampleKey]:
    """The keys of a picture's samples."""
    return (SampleKey(picture.dataset, picture.image, sample) for sample in range(samples))


@dataclass(frozen=True)
class Evaluation:
    """A run that has been opened: its manifest agrees with what was asked for.

    Attributes:
        pictures: all that are part of the run, after `limit`.
    """

    folder: Path
    run: Run
    pictures: Sequence[PictureRow]

    @property
    def expected(self) -> Expected:
        """Every sample of the run."""
        return Expected(self.pictures, self.run.settings.samples)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder against a second command.

    Raises:
        EvaluationError: one is at work there, or it cannot be written.
    """
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.acquire(blocking=False)
    except Timeout:
        raise EvaluationError(f"{folder}: another evaluation is at work in it") from None
    except OSError as error:
        raise EvaluationError(f"--out {folder}: cannot be written: {error.strerror or error}") from None
    with held:
        yield


def complete_predictions(evaluation: Evaluation) -> list[Prediction]:
    """The predictions of all samples, in the order of their keys.

    Raises:
        EvaluationError: some are missing, or are not of this run.
    """
    journal = predictions_journal(evaluation.folder)
    predictions = sorted(journal.load(), key=lambda prediction: prediction.key)
    expected = set(evaluation.expected.keys())
    check_keys([prediction.key for prediction in predictions], expected, journal)
    if len(predictions) < len(expected):
        raise EvaluationError(
            f"{journal.path}: has {len(predictions)} of {len(expected)} samples: finish the stage predict first"
        )
    return predictions


def check_keys(keys: Iterable[SampleKey], expected: set[SampleKey], journal: Journal[Prediction]) -> None:
    """Every key is expected, and there once.

    Raises:
        EvaluationError: naming the first that is not.
    """
    seen: set[SampleKey] = set()
    for key in keys:
        if key not in expected:
            raise EvaluationError(
                f"{journal.path}: {key} is not part of this run: predictions of another data set? Take another --out"
            )
        if key in seen:
            raise EvaluationError(f"{journal.path}: {key} is there twice")
        seen.add(key)
