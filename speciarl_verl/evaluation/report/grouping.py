"""Judged samples by data set and picture, checked to be one whole evaluation. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import Judged
from speciarl_verl.evaluation.report.benchmarks import in_reading_order
from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class JudgedPicture:
    """One picture with its samples, in the order of their numbers."""

    image: str
    ground_truth: str
    samples: tuple[Judged, ...]

    @cached_property
    def counted(self) -> tuple[Category, ...]:
        """What the metrics count, sample by sample."""
        return tuple(judged.counted for judged in self.samples)


def group_by_dataset(judged: Iterable[Judged], samples: int) -> dict[str, list[JudgedPicture]]:
    """Sort samples into data sets (in the paper's order) and pictures (by name), whatever order they come in.

    Args:
        samples: how many every picture must have, numbered from 0.

    Raises:
        EvaluationError: there are none; one is there twice or missing; one picture has two ground truths.
    """
    gathered: dict[str, dict[str, list[Judged]]] = defaultdict(lambda: defaultdict(list))
    for one in judged:
        key = one.prediction.key
        gathered[key.dataset][key.image].append(one)
    if not gathered:
        raise EvaluationError("nothing to report: no judged predictions")
    return {
        dataset: [_picture(dataset, image, gathered[dataset][image], samples) for image in sorted(gathered[dataset])]
        for dataset in in_reading_order(set(gathered))
    }


def counted(pictures: Sequence[JudgedPicture]) -> list[tuple[Category, ...]]:
    """The categories of every picture's samples."""
    return [picture.counted for picture in pictures]


def common_pictures(
    runs: Sequence[Mapping[str, Sequence[JudgedPicture]]],
) -> list[dict[str, list[JudgedPicture]]]:
    """Of every run, the pictures that all runs have, by data set; data sets without one are left out."""
    common = {}
    for dataset in in_reading_order(set(runs[0])):
        if images := set.intersection(*({picture.image for picture in run.get(dataset, ())} for run in runs)):
            common[dataset] = images
    return [{name: [one for one in run[name] if one.image in common[name]] for name in common} for run in runs]


def _picture(dataset: str, image: str, gathered: Sequence[Judged], samples: int) -> JudgedPicture:
    by_number = sorted(gathered, key=lambda judged: judged.prediction.key.sample)
    numbers = [judged.prediction.key.sample for judged in by_number]
    if numbers != list(range(samples)):
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        fault = f"sample {twice[0]} twice" if twice else f"{len(numbers)} of {samples} samples"
        raise EvaluationError(f"{dataset}/{image} has {fault}: the run is not whole, predict and judge it to its end")
    truth = by_number[0].prediction.ground_truth
    if any(judged.prediction.ground_truth != truth for judged in by_number):
        named = " and ".join(map(repr, sorted({judged.prediction.ground_truth for judged in by_number})))
        raise EvaluationError(f"{dataset}/{image} has two ground truths, {named}: its samples come from different data")
    return JudgedPicture(image, truth, tuple(by_number))
