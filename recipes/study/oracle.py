"""The best possible HM of a policy that knows, of each picture, how probable its best answer on each rung is.

With P the probability of being right and s the specificity score of the rungs chosen, correctness is A / n with A the
sum of P, and specificity B / (4 A) with B the sum of s P. HM = 2 A B / (n B + 4 A^2) rises with B, so the best choice
is, for some weight w, on every picture the rung with the largest P (s + w); what remains is to try the weights.
"""

from dataclasses import dataclass

import numpy as np

from recipes.study.evidence import Evidence, Floats, Ints, family_posterior
from speciarl_verl.method.category import Category

RUNG_CATEGORIES = (Category.SPECIFIC, Category.LESS_SPECIFIC, Category.GENERIC)
"""A kind, a family, and the root, which is always right (an order, which counts the same, is never better)."""
SCORES = np.array([float(category.specificity_score) for category in RUNG_CATEGORIES])
# From where nothing but the root is named (s + w must stay positive) to where specificity does not count.
_WEIGHTS = np.concatenate([np.linspace(-1.99, 3.0, 500), np.geomspace(3.0, 300.0, 50)])


@dataclass(frozen=True)
class Best:
    """The best choice of rungs.

    Attributes:
        chosen: `(n,)`, columns of the probabilities.
        specificity, correctness, hm: as expected from the probabilities.
    """

    chosen: Ints
    specificity: float
    correctness: float
    hm: float


def best_choice(probability: Floats) -> Best:
    """Choose rungs for the largest HM.

    Args:
        probability: `(n, 3)`, that the best answer on each of the rungs of `SCORES` is right.
    """
    best = Best(np.zeros(len(probability), dtype=np.int64), 0.0, 0.0, 0.0)
    for weight in _WEIGHTS:
        chosen = (probability * (SCORES + weight)).argmax(axis=1)
        right = np.take_along_axis(probability, chosen[:, None], axis=1)[:, 0]
        correctness = float(right.mean())
        specificity = float((right * SCORES[chosen]).sum() / right.sum() / SCORES[0])
        hm = 2 * specificity * correctness / (specificity + correctness)
        if hm > best.hm:
            best = Best(chosen, specificity, correctness, hm)
    return best


def of_pictures(evidence: Evidence) -> Floats:
    """What the best of observers knows, `(n, 3)`."""
    sure = evidence.posterior.max(axis=(1, 2))
    return np.stack([sure, family_posterior(evidence.posterior).max(axis=1), np.ones_like(sure)], axis=1)
