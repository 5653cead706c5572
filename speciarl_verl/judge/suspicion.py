"""Whether a second opinion finds fault with a judge: a sequential test of how often the two disagree. Pure.

For each category that the judge gave, the null hypothesis is that the second opinion gives another one in at most
`tolerance` of the cases. The evidence against it is a likelihood ratio, averaged over all higher shares p (a Beta(1, 9)
prior above the tolerance, some 10% in the mean):

    E = integral of (p / t)^x ((1 - p) / (1 - t))^(n - x) over the prior, for x disagreements in n verdicts.

E is a supermartingale under the null hypothesis, so it may be looked at after every verdict: that it ever exceeds
1 / alpha has a probability of at most alpha (Ville's inequality), in a whole run and for all categories together.
Source: Robbins, Statistical methods related to the law of the iterated logarithm, 1970.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from speciarl_verl.method.category import Category

ALPHA = 0.01
"""Chance of a false alarm in a run, over all categories."""
_PRIOR = (1.0, 9.0)

Opinions = Mapping[tuple[Category, Category], int]
"""How often the judge gave the first category and the second opinion the other."""


@dataclass(frozen=True)
class Suspicion:
    """A category that the judge gives too often where it does not belong.

    Attributes:
        audited: verdicts of this category that were asked again, `disagreed` of them with another outcome.
        instead: the category that the second opinion gave most often then.
    """

    category: Category
    audited: int
    disagreed: int
    instead: Category

    def __str__(self) -> str:
        return (
            f"of {self.audited} verdicts {self.category.symbol} that were asked again, the second opinion calls "
            f"{self.disagreed} ({self.disagreed / self.audited:.1%}) otherwise, most often {self.instead.symbol}"
        )


def suspicions(opinions: Opinions, tolerance: float) -> list[Suspicion]:
    """The categories for which the evidence is beyond chance; none is known to be right by not being there."""
    given: Counter[Category] = Counter()
    differing: dict[Category, Counter[Category]] = {}
    for (first, second), count in opinions.items():
        given[first] += count
        if first is not second:
            differing.setdefault(first, Counter())[second] += count
    found = []
    for category in sorted(differing):
        disagreed = differing[category].total()
        if log_evidence(disagreed, given[category], tolerance) >= math.log(len(Category) / ALPHA):
            instead = max(sorted(differing[category]), key=differing[category].__getitem__)
            found.append(Suspicion(category, given[category], disagreed, instead))
    return found


def log_evidence(disagreed: int, audited: int, tolerance: float) -> float:
    """The natural logarithm of E."""
    # Late: an account is imported by commands that never look at one.
    from scipy.special import betaln
    from scipy.stats import beta

    a, b = _PRIOR
    agreed = audited - disagreed
    posterior = betaln(a + disagreed, b + agreed) + beta.logsf(tolerance, a + disagreed, b + agreed)
    prior = betaln(a, b) + beta.logsf(tolerance, a, b)
    null = disagreed * math.log(tolerance) + agreed * math.log1p(-tolerance)
    return float(posterior - prior - null)
