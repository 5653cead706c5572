"""Predictions made elsewhere: a JSONL of `dataset`, `image`, `sample` (0 when absent), `response` and, if there,
`ground_truth`, checked against the pictures before anything is written."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from speciarl_verl.errors import EvaluationError, InputError
from speciarl_verl.evaluation.opened import Expected
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.records import Prediction, SampleKey
from speciarl_verl.evaluation.store import first_fault
from speciarl_verl.files import json_lines, read_text, readable

_MISSING = "no prediction in the file"


class _Line(BaseModel):
    dataset: str
    image: str
    sample: int = Field(0, ge=0, strict=True)
    ground_truth: str | None = None
    response: str | None = None
    failure: str | None = None
    response_tokens: int | None = None


def file_sha256(path: Path) -> str:
    """Of a file's bytes.

    Raises:
        InputError: it cannot be read.
    """
    with readable(f"--predictions {path}"):
        return hashlib.sha256(path.read_bytes()).hexdigest()


def read_external(path: Path, expected: Expected, allow_missing: bool) -> list[Prediction]:
    """All predictions of a run, in the order of the pictures.

    Args:
        allow_missing: samples that the file lacks count as failed.

    Raises:
        EvaluationError: a line of another format, an unknown picture, another ground truth, a duplicate, or a missing
            sample; one line that names the first.
    """
    pictures = {picture.name: picture for picture in expected.pictures}
    found: dict[SampleKey, Prediction] = {}
    for place, line in _lines(path):
        prediction = _prediction(place, line, pictures, expected.samples)
        if prediction.key in found:
            raise EvaluationError(f"{place}: {prediction.key} is there twice")
        found[prediction.key] = prediction
    missing = [key for key in expected.keys() if key not in found]  # noqa: SIM118 (no mapping)
    if missing and not allow_missing:
        raise EvaluationError(
            f"--predictions {path}: {len(missing)} of {len(missing) + len(found)} samples are missing, such as "
            f"{missing[0]}; --allow-missing counts them as failed, that is as wrong"
        )
    for key in missing:
        truth = pictures[key.picture].ground_truth
        found[key] = Prediction(key, truth, response=None, failure=_MISSING)
    return [found[key] for key in expected.keys()]  # noqa: SIM118


def count_samples(path: Path) -> int:
    """One more than the highest sample number in the file.

    Raises:
        EvaluationError: it holds no predictions.
    """
    numbers = [line.sample for _, line in _lines(path)]
    if not numbers:
        raise EvaluationError(f"--predictions {path}: holds no predictions")
    return max(numbers) + 1


def _lines(path: Path) -> Iterator[tuple[str, _Line]]:
    """The file's lines, each with its place for messages."""
    try:
        for number, line in json_lines(read_text(path), path):
            place = f"--predictions {path}:{number}"
            try:
                yield place, _Line.model_validate(line)
            except ValidationError as error:
                raise EvaluationError(f"{place}: {first_fault(error)}") from None
    except InputError as error:
        raise EvaluationError(f"--predictions {error}") from None


def _prediction(place: str, line: _Line, pictures: Mapping[tuple[str, str], PictureRow], samples: int) -> Prediction:
    key = SampleKey(line.dataset, line.image, line.sample)
    picture = pictures.get(key.picture)
    if picture is None:
        raise EvaluationError(f"{place}: {key.dataset}/{key.image} is not in --data: predictions of another data set?")
    if key.sample >= samples:
        raise EvaluationError(f"{place}: sample {key.sample} of {samples}: they count from 0")
    truth = picture.ground_truth
    if line.ground_truth not in (None, truth):
        raise EvaluationError(
            f"{place}: {key.dataset}/{key.image} is {truth!r} in --data, not {line.ground_truth!r}: another set?"
        )
    if line.response is None:
        return Prediction(key, truth, response=None, failure=line.failure or "no response in the file")
    return Prediction(key, truth, line.response, response_tokens=line.response_tokens)
