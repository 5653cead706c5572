"""Images drawn again with replacement, many times, in one array operation.

The bootstrap's unit is the image. Images with equal counts of categories are alike, so a resample of n images is one
multinomial draw over the distinct rows of counts: at most 6 rows for one sample an image, whatever n is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speciarl_verl.method.category import Category

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

_POINTS = np.array([category.specificity_score for category in Category], dtype=np.float64)
_FULL_POINTS = float(Category.SPECIFIC.specificity_score)
_CELLS_AT_ONCE = 4_000_000
"""Drawn multiplicities held at once: 32 MB."""


@dataclass(frozen=True)
class Figures:
    """The three metrics of many sets of predictions, one entry a set.

    Attributes:
        correctness, specificity, hm: `(...)` float64; defined for a set all wrong as `compute_metrics` does: 0.
    """

    correctness: Floats
    specificity: Floats
    hm: Floats


def figures_of(counts: NDArray[np.int64] | Floats) -> Figures:
    """METHOD.md's three formulas over the last axis of `(..., 6)` counts, which may be expected ones."""
    correctness = _ratio(counts[..., 1:].sum(axis=-1), counts.sum(axis=-1))
    specificity = _ratio(counts @ _POINTS, _FULL_POINTS * counts[..., 1:].sum(axis=-1))
    return Figures(correctness, specificity, _ratio(2 * specificity * correctness, specificity + correctness))


def counts_per_image(samples: Sequence[Sequence[Category]]) -> Counts:
    """Count every image's samples by category: `(images, 6) int64`.

    Raises:
        ValueError: there are no images, or an image has no sample.
    """
    lengths = np.fromiter(map(len, samples), dtype=np.int64, count=len(samples))
    if not len(lengths):
        raise ValueError("no predictions to score")
    if not lengths.all():
        raise ValueError(f"image {int(np.argmin(lengths))} of {len(lengths)} has no sample")
    flat = np.fromiter((category for image in samples for category in image), dtype=np.int64, count=int(lengths.sum()))
    cells = np.repeat(np.arange(len(lengths)) * len(Category), lengths) + flat
    return np.bincount(cells, minlength=len(lengths) * len(Category)).reshape(-1, len(Category))


def resampled_totals(counts: Counts, resamples: int, generator: np.random.Generator) -> Counts:
    """Add up the rows of as many images, drawn with replacement, `resamples` times.

    Args:
        counts: `(images, columns)`.

    Returns:
        `(resamples, columns)`.

    Raises:
        ValueError: `resamples` is below 1.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    rows, multiplicities = np.unique(counts, axis=0, return_counts=True)
    shares = multiplicities / len(counts)
    chunks = _chunks(resamples, max(1, _CELLS_AT_ONCE // len(rows)))
    return np.concatenate([generator.multinomial(len(counts), shares, size=chunk) @ rows for chunk in chunks])


def _chunks(total: int, largest: int) -> Iterator[int]:
    yield from [largest] * (total // largest)
    if total % largest:
        yield total % largest


def _ratio(above: Floats, below: Floats) -> Floats:
    """The quotient, and 0 where nothing is divided by nothing."""
    below = np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros_like(below), where=below > 0)
