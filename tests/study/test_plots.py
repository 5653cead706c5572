from typing import Any

import pytest

from recipes.study.plots import FEWEST_PICTURES, reliability_points
from recipes.study.world import DOMAINS, Group

GROUP = next(group for group in Group if sum(domain.group is group for domain in DOMAINS) > 1)
FIRST, SECOND = [domain.name for domain in DOMAINS if domain.group is GROUP][:2]


def oracle(**bins: list[dict[str, float]]) -> dict[str, Any]:
    """What was seen in each domain; nothing in those that are not named."""
    return {"domains": {domain.name: {"reliability": {"kind": bins.get(domain.name, [])}} for domain in DOMAINS}}


def seen(low: float, n: int, stated: float, right: float) -> dict[str, float]:
    return {"low": low, "n": n, "stated": stated, "right": right}


def test_reliability_is_the_mean_over_the_pictures_of_all_domains_and_seeds() -> None:
    one = oracle(**{FIRST: [seen(0.5, 30, 0.52, 0.6)], SECOND: [seen(0.5, 10, 0.56, 0.2)]})
    other = oracle(**{FIRST: [seen(0.5, 40, 0.54, 0.4)]})
    stated, right = reliability_points([one, other], GROUP, "kind")
    assert stated == [pytest.approx((30 * 0.52 + 10 * 0.56 + 40 * 0.54) / 80)]
    assert right == [pytest.approx((30 * 0.6 + 10 * 0.2 + 40 * 0.4) / 80)]


def test_reliability_of_too_few_pictures_is_left_out() -> None:
    half = FEWEST_PICTURES // 2
    few = oracle(**{FIRST: [seen(0.1, half - 1, 0.15, 1.0), seen(0.9, half, 0.95, 1.0)]})
    more = oracle(**{SECOND: [seen(0.1, half, 0.15, 1.0), seen(0.9, half, 0.95, 1.0)]})
    assert reliability_points([few, more], GROUP, "kind") == ([pytest.approx(0.95)], [pytest.approx(1.0)])
