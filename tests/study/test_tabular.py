"""The figures of the simulation, less precisely than its command prints them, as fewer steps are trained."""

import numpy as np
import pytest

from recipes.study.tabular import (
    RULES,
    Training,
    best_possible,
    dynamic,
    harmonic_mean,
    hm_after_training,
)
from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward


@pytest.mark.parametrize(("world", "expected"), [("hard", 0.825), ("mid", 0.871), ("easy", 0.931)])
def test_best_possible_is_that_of_the_specification(world: str, expected: float) -> None:
    assert best_possible(world) == pytest.approx(expected, abs=0.006)


def test_no_choice_of_answers_beats_the_best_possible() -> None:
    chance = np.random.default_rng(0)
    found = [harmonic_mean("hard", chance.integers(3, size=10)) for _ in range(3000)]
    assert max(found) <= best_possible("hard")


def test_rewards_are_those_of_the_method() -> None:
    chance = np.random.default_rng(1)
    categories = chance.integers(5, size=(300, 8))
    for reliability, support in ((0.0, 1), (0.5, 1), (0.5, 3), (0.0, 0.25)):
        rewards = dynamic(reliability, support)(categories)
        for group, found in zip(categories, rewards, strict=True):
            expected = group_reward([Category(int(c)) for c in group], reliability=reliability, support=support)
            assert found.tolist() == list(expected.rewards)


def test_guessing_grows_with_rollouts_and_credit_below_the_bar_holds_it() -> None:
    few, many = (hm_after_training("hard", RULES["dynamic (the paper, t = 0)"], Training(n=n)) for n in (4, 16))
    credited = hm_after_training("hard", RULES["t = 2/3"], Training(n=16))
    assert few > many + 0.02
    assert credited > many + 0.04
    assert credited > best_possible("hard") - 0.02


def test_binary_names_a_species_of_every_picture() -> None:
    assert hm_after_training("hard", RULES["binary"], Training(n=8)) == pytest.approx(2 / 3, abs=0.001)
