"""Correctness, specificity and their harmonic mean, from counts of categories.

Pure. Source: arXiv 2603.03197, section 4.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class Metrics:
    """The three figures of one set of predictions, each in [0, 1].

    >>> compute_metrics([Category.SPECIFIC, Category.WRONG]).as_json()["counts"]
    {'W': 1, 'A': 0, 'G': 0, 'S-': 0, 'S': 1, 'S+': 0}

    Attributes:
        correctness: 1 - n_W / n.
        specificity: mean of s(c) / 4 over the predictions that are not wrong; 0 when all are wrong.
        hm: harmonic mean of the two; 0 when both are 0.
        n: how many predictions, unparseable ones (which count as wrong) included.
        counts: predictions per category.
    """

    correctness: float
    specificity: float
    hm: float
    n: int
    counts: Mapping[Category, int]

    def as_json(self) -> dict[str, object]:
        """Plain data, categories by their symbols."""
        return {
            "specificity": self.specificity,
            "correctness": self.correctness,
            "hm": self.hm,
            "n": self.n,
            "counts": {category.symbol: self.counts[category] for category in Category},
        }


def compute_metrics(categories: Iterable[Category]) -> Metrics:
    """Score a set of predictions by their categories.

    >>> metrics = compute_metrics([Category.SPECIFIC, Category.GENERIC, Category.GENERIC, Category.WRONG])
    >>> round(metrics.specificity, 3), metrics.correctness, round(metrics.hm, 3)
    (0.667, 0.75, 0.706)

    Raises:
        ValueError: there are none.
    """
    counted = Counter(categories)
    n = sum(counted.values())
    if n == 0:
        raise ValueError("no predictions to score")
    ratios = weigh(counted)
    counts = {category: counted[category] for category in Category}
    return Metrics(ratios.correctness, ratios.specificity, ratios.hm, n, counts)


@dataclass(frozen=True)
class Ratios:
    """The three figures alone, as in `Metrics`."""

    correctness: float
    specificity: float
    hm: float


def weigh(weights: Mapping[Category, float]) -> Ratios:
    """The same of counts or shares of the categories, whose sum is more than 0.

    >>> weigh({Category.WRONG: 0.25, Category.SPECIFIC: 0.25, Category.GENERIC: 0.5}).correctness
    0.75
    """
    wrong = weights.get(Category.WRONG, 0)
    right = sum(weights.values()) - wrong
    correctness = right / (right + wrong)
    points = sum(category.specificity_score * weight for category, weight in weights.items() if category.is_correct)
    specificity = points / right / Category.SPECIFIC.specificity_score if right else 0.0
    total = specificity + correctness
    return Ratios(correctness, specificity, 2 * specificity * correctness / total if total else 0.0)


@dataclass(frozen=True)
class AverageMetrics:
    """Each metric's mean over data sets; every set weighs the same, whatever its size.

    `hm` is the mean of the sets' HMs, as in the paper's tables, not the HM of the two other means.
    """

    correctness: float
    specificity: float
    hm: float
    sets: int


def average_metrics(sets: Sequence[Metrics]) -> AverageMetrics:
    """Average over data sets.

    >>> sets = [compute_metrics([Category.SPECIFIC] * 9), compute_metrics([Category.GENERIC])]
    >>> average_metrics(sets).specificity
    0.75

    Raises:
        ValueError: there are none.
    """
    if not sets:
        raise ValueError("no data sets to average over")
    return AverageMetrics(
        correctness=fmean(metrics.correctness for metrics in sets),
        specificity=fmean(metrics.specificity for metrics in sets),
        hm=fmean(metrics.hm for metrics in sets),
        sets=len(sets),
    )
