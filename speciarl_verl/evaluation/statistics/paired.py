"""Whether two runs over the same images differ: exact McNemar on correctness, paired bootstrap on HM.

Both take one entry an image, in the same order for both runs. `first` and `second` differ by `second - first`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from speciarl_verl.evaluation.statistics.intervals import LEVEL, Estimate, with_interval
from speciarl_verl.evaluation.statistics.resampling import (
    Counts,
    Floats,
    counts_per_image,
    figures_of,
    resampled_totals,
)
from speciarl_verl.method.category import Category

RESAMPLES = 10_000


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test.

    Attributes:
        only_first: images that only the first run gets right.
        only_second: images that only the second run gets right.
        p_value: two-sided, of the split of those two under a fair coin; 1 when there are none.
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class HmDifference:
    """A bootstrapped difference of HM.

    Attributes:
        difference: of the second run over the first, in [-1, 1]; positive when the second is better.
        p_value: two-sided. The smallest 1 - level at which the interval would leave out 0: twice the share of
            resampled differences on the far side of 0, the observed data counted as one resample more, so that it is
            never 0. A p below 0.05 and a 95% interval without 0 are the same statement, up to 1 / resamples.
    """

    difference: Estimate
    p_value: float


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Test whether one run is right more often than the other on the same images.

    Raises:
        ValueError: there are no images, or the runs differ in their number.
    """
    _check_paired(first, second)
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    split = only_first + only_second
    p_value = float(binomtest(only_first, split, 0.5).pvalue) if split else 1.0
    return McNemar(only_first, only_second, p_value)


def paired_bootstrap_hm(
    first: Sequence[Sequence[Category]],
    second: Sequence[Sequence[Category]],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> HmDifference:
    """HM of the second run less HM of the first, over the pooled samples of each image; images are resampled in pairs.

    The runs may differ in samples an image.

    Raises:
        ValueError: there are no images, an image has no sample, the runs differ in their number of images, or
            `resamples` or `level` is out of range.
    """
    _check_paired(first, second)
    joint = np.hstack([counts_per_image(first), counts_per_image(second)])
    drawn = _hm_differences(resampled_totals(joint, resamples, np.random.default_rng(seed)))
    difference = float(_hm_differences(joint.sum(axis=0)))
    return HmDifference(with_interval(difference, drawn, level), _two_sided_p(drawn))


def _hm_differences(totals: Counts) -> Floats:
    return figures_of(totals[..., len(Category) :]).hm - figures_of(totals[..., : len(Category)]).hm


def _two_sided_p(drawn: Floats) -> float:
    fewer = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return float(min(1.0, 2 * (fewer + 1) / (len(drawn) + 1)))


def _check_paired(first: Sequence[object], second: Sequence[object]) -> None:
    if len(first) != len(second):
        raise ValueError(f"paired tests need the same images in both runs, not {len(first)} and {len(second)}")
    if not len(first):
        raise ValueError("no images to compare")
