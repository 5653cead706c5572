import random
from collections import Counter

import pytest

from speciarl_verl.draw import rank
from speciarl_verl.method.category import Category
from speciarl_verl.method.noise import noised

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)
NEIGHBOURS = {S_PLUS: {S_MINUS}, S: {S_MINUS}, S_MINUS: {S, G}, G: {S_MINUS, A}, A: {G, W}, W: {A}}


@pytest.mark.parametrize("category", Category)
def test_noised_moves_one_step_inward_at_the_ends_and_either_way_elsewhere(category: Category) -> None:
    moved = Counter(noised(category, 1.0, rank(1, str(i))) for i in range(2_000))
    assert set(moved) == NEIGHBOURS[category]
    assert all(abs(count / 2_000 - 1 / len(moved)) < 0.05 for count in moved.values())


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.25, 1.0])
def test_noised_moves_the_share_that_it_is_told(noise: float) -> None:
    moved = sum(noised(G, noise, rank(2, str(i))) is not G for i in range(20_000))
    assert abs(moved / 20_000 - noise) < 0.01
    if noise in (0.0, 1.0):
        assert moved == noise * 20_000


def test_noised_never_moves_without_noise_whatever_is_drawn() -> None:
    draw = random.Random(3)
    for _ in range(1_000):
        category = draw.choice(list(Category))
        assert noised(category, 0.0, draw.randbytes(9)) is category
    assert noised(S_PLUS, 0.0, bytes(9)) is S_PLUS
