"""Best-of-k: what the metrics would be, were each image given the best of k of its N samples.

The paper's upper bound is k = N. For k < N every choice of k samples without replacement counts equally, so nothing
depends on their order: P(best of k <= c) = C(samples <= c, k) / C(N, k).
Source: arXiv 2603.03197, section 3 (best of N).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from speciarl_verl.evaluation.statistics.resampling import Counts, Floats, counts_per_image, figures_of
from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class BestOf:
    """The metrics at one k, of the expected number of images whose best of k comes to each category.

    Those expected numbers are unbiased, and so is correctness. Specificity and HM are ratios of them. k = 1 gives the
    metrics over all samples pooled, k = N those of each image's best sample.
    """

    k: int
    correctness: float
    specificity: float
    hm: float


def best_of_curve(samples: Sequence[Sequence[Category]]) -> list[BestOf]:
    """Score the best of k samples for k = 1..N, N samples an image.

    Raises:
        ValueError: there are no images or no samples, or images differ in their number of samples.
    """
    counts = counts_per_image(samples)
    sizes = np.unique(counts.sum(axis=1))
    if len(sizes) > 1:
        raise ValueError(f"best-of-k needs as many samples of every image, not {sizes[0]} to {sizes[-1]}")
    size = int(sizes[0])
    reached = _images_by_samples_up_to(counts, size)
    return [_best_of(k, size, reached) for k in range(1, size + 1)]


def _best_of(k: int, size: int, reached: Counts) -> BestOf:
    within = np.array([float(Fraction(comb(below, k), comb(size, k))) for below in range(size + 1)])
    at_most: Floats = reached @ within
    figures = figures_of(np.diff(at_most, prepend=0.0))
    return BestOf(k, float(figures.correctness), float(figures.specificity), float(figures.hm))


def _images_by_samples_up_to(counts: Counts, size: int) -> Counts:
    """How many images have exactly m samples of category c or lower: `(6, N + 1)`."""
    cumulated = counts.cumsum(axis=1)
    return np.stack([np.bincount(column, minlength=size + 1) for column in cumulated.T])
