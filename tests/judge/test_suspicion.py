import math
import random

import pytest
from scipy.integrate import quad
from scipy.stats import beta

from speciarl_verl.judge.suspicion import ALPHA, log_evidence, suspicions
from speciarl_verl.method.category import Category

S, W, G = Category.SPECIFIC, Category.WRONG, Category.GENERIC


@pytest.mark.parametrize(("disagreed", "audited"), [(0, 0), (0, 30), (3, 20), (12, 124)])
def test_log_evidence_is_the_integral(disagreed: int, audited: int) -> None:
    tolerance = 0.02

    def ratio(p: float) -> float:
        likelihood = (p / tolerance) ** disagreed * ((1 - p) / (1 - tolerance)) ** (audited - disagreed)
        return float(likelihood * beta.pdf(p, 1, 9) / beta.sf(tolerance, 1, 9))

    expected, _ = quad(ratio, tolerance, 1)
    assert math.exp(log_evidence(disagreed, audited, tolerance)) == pytest.approx(expected, rel=1e-6)


def test_false_alarms_over_many_looks_are_as_rare_as_promised() -> None:
    """A judge whose second opinion differs exactly as often as is tolerated, looked at after every verdict."""
    dice, tolerance, limit = random.Random(0), 0.02, math.log(len(Category) / ALPHA)
    alarms = 0
    for _ in range(300):
        disagreed = 0
        for audited in range(1, 801):
            differs = dice.random() < tolerance
            disagreed += differs
            # Only a disagreement raises the evidence.
            if differs and log_evidence(disagreed, audited, tolerance) >= limit:
                alarms += 1
                break
    assert alarms / 300 <= ALPHA


def test_suspicion_names_the_category_and_what_is_said_instead() -> None:
    opinions = {(S, S): 100, (S, W): 11, (S, G): 2, (G, G): 50, (G, W): 1, (W, W): 300}
    (found,) = suspicions(opinions, tolerance=0.02)
    assert (found.category, found.audited, found.disagreed, found.instead) == (S, 113, 13, W)
    assert "of 113 verdicts S" in str(found)
    assert "calls 13 (11.5%) otherwise, most often W" in str(found)


def test_a_tolerance_as_high_as_the_disagreement_suspects_nobody() -> None:
    assert not suspicions({(S, S): 1000, (S, W): 120}, tolerance=0.12)
    assert not suspicions({}, tolerance=0.02)
