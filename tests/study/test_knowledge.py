import numpy as np
import pytest

from recipes.study.answers import Answerer
from recipes.study.birds import held_out
from recipes.study.knowledge import Knowledge, ask, reliability
from recipes.study.world import DOMAINS


def test_reliability_bins_what_was_stated() -> None:
    stated = np.array([0.05, 0.91, 0.95, 1.0])
    bins = reliability(stated, np.array([False, True, False, True]))
    assert [(b.low, b.n, b.right) for b in bins] == [(0.0, 1, 0.0), (0.9, 3, pytest.approx(2 / 3, abs=1e-4))]


def test_calibration_learns_from_others_how_often_the_certain_are_right() -> None:
    chance = np.random.default_rng(0)
    stated = chance.random((4000, 3))
    right = chance.random((4000, 3)) < stated**2
    ours, others = Knowledge(stated[:2000], right[:2000]), Knowledge(stated[2000:], right[2000:])
    assert np.abs(ours.calibrated_by(others) - stated[:2000] ** 2).mean() < 0.05


def test_ask_gives_probabilities_and_the_root_is_certain(answerer: Answerer) -> None:
    evidence, pictures = held_out(DOMAINS[4], 6, seed=0)
    known = ask(answerer, evidence, pictures)
    assert known.stated.shape == (6, 3)
    assert ((known.stated > 0) & (known.stated <= 1)).all()
    assert known.right[:, 2].all()
