import itertools

import numpy as np
import pytest

from recipes.study.oracle import SCORES, best_choice


def test_the_best_choice_is_the_best_of_all() -> None:
    chance = np.random.default_rng(0)
    for _ in range(5):
        kind = chance.uniform(0.05, 0.98, size=7)
        probability = np.stack([kind, 1 - 0.3 * (1 - kind), np.ones(7)], axis=1)
        every = []
        for chosen in itertools.product(range(3), repeat=7):
            right = probability[range(7), chosen]
            correctness, specificity = right.mean(), (right * SCORES[list(chosen)]).sum() / right.sum() / 4
            every.append(2 * specificity * correctness / (specificity + correctness))
        assert best_choice(probability).hm == pytest.approx(max(every), abs=2e-3)


def test_who_knows_everything_names_every_kind() -> None:
    best = best_choice(np.ones((4, 3)))
    assert best.chosen.tolist() == [0, 0, 0, 0]
    assert best.hm == 1.0


def test_who_knows_nothing_names_the_root() -> None:
    nothing = np.tile([0.02, 0.1, 1.0], (5, 1))
    assert best_choice(nothing).chosen.tolist() == [2] * 5
