"""Differences between methods, paired by seed: the same warmed-up policy, birds and held-out pictures; and what a row's
seeds say of one more.

Five seeds are few: the interval is Student's, of the mean of the seeds' differences, and with it goes the difference
that so many seeds could have told from none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student

from recipes.study.world import DOMAINS, Group

HELD_OUT = tuple(domain.name for domain in DOMAINS if domain.group is not Group.IN_DOMAIN)
LEVEL = 0.95
_POWER = 0.8


@dataclass(frozen=True)
class Contrast:
    """A comparison that was named before any run.

    Attributes:
        better: the row that is expected to be better.
        others: the rows that it is compared with; of several the best of its mean counts, the same one for all seeds.
    """

    name: str
    question: str
    better: str
    others: tuple[str, ...]


NAMED = (
    Contrast("C1", "does the dynamic reward beat the binary one?", "dynamic N=8", ("binary N=8",)),
    Contrast("C2", "do more rollouts hurt? (negative: they do)", "dynamic N=16", ("dynamic N=4",)),
    Contrast(
        "C3",
        "does credit below the bar beat the dynamic reward at its best N?",
        "reliability 2/3 N=16",
        ("dynamic N=4", "dynamic N=8", "dynamic N=16"),
    ),
)


@dataclass(frozen=True)
class Difference:
    """A mean over seeds with its interval; `resolvable` is what would have been found four times in five."""

    against: str
    seeds: int
    mean: float
    low: float
    high: float
    resolvable: float


def held_out_hm(result: Mapping[str, Any]) -> float:
    """Mean HM over the five domains that were not trained on."""
    return fmean(result["figures"][name]["hm"] for name in HELD_OUT)


def by_seed(results: Sequence[Mapping[str, Any]], name: str) -> dict[int, float]:
    """Held-out HM of a row, by seed."""
    return {result["seed"]: held_out_hm(result) for result in results if result["name"] == name}


def difference(results: Sequence[Mapping[str, Any]], contrast: Contrast) -> Difference | None:
    """The contrast on the seeds that all of its rows have; None for fewer than two."""
    first = by_seed(results, contrast.better)
    others = {name: by_seed(results, name) for name in contrast.others}
    seeds = sorted(set(first).intersection(*others.values()))
    if len(seeds) < 2:
        return None
    against = max(others, key=lambda name: fmean(others[name][seed] for seed in seeds))
    return paired(against, [first[seed] - others[against][seed] for seed in seeds])


def paired(against: str, differences: Sequence[float]) -> Difference:
    """Student's interval of two or more differences."""
    n, mean = len(differences), fmean(differences)
    error = stdev(differences) / sqrt(n)
    quantile = float(student.ppf((1 + LEVEL) / 2, n - 1))
    power = float(student.ppf(_POWER, n - 1))
    return Difference(against, n, mean, mean - quantile * error, mean + quantile * error, (quantile + power) * error)


def further_seed(values: Sequence[float]) -> tuple[float, float]:
    """Where one more seed of a row lands in 95 cases of a hundred, given two seeds or more: Student's prediction."""
    n, mean = len(values), fmean(values)
    reach = float(student.ppf((1 + LEVEL) / 2, n - 1)) * stdev(values) * sqrt(1 + 1 / n)
    return mean - reach, mean + reach


def repetition(result: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> str:
    """How a result stands to those of the same row and setting with other seeds; empty for fewer than two of them."""
    asked = {key: value for key, value in result["run"].items() if key != "seed"}
    alike = [
        held_out_hm(other)
        for other in results
        if other["name"] == result["name"]
        and other["seed"] != result["seed"]
        and asked == {key: value for key, value in other["run"].items() if key != "seed"}
    ]
    if len(alike) < 2:
        return ""
    (low, high), hm = further_seed(alike), held_out_hm(result)
    place = "within" if low <= hm <= high else "outside"
    return f"held-out HM {hm:.3f}, {place} {low:.3f} to {high:.3f}, which {len(alike)} other seeds predict (95%)"
