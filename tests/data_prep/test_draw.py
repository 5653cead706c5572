"""The order of a draw."""

from collections import Counter
from itertools import pairwise

import pytest

from data_prep.draw import draw


def test_draw_is_the_same_on_any_machine() -> None:
    assert draw("abcdefgh", 42, str) == list("egdfbcah")


def test_draw_of_an_item_depends_on_no_other() -> None:
    assert [item for item in draw("abcdefgh", 42, str) if item in "aceg"] == draw("aceg", 42, str)


@pytest.mark.parametrize("size", [3, 10, 33])
def test_stratified_beginnings_hold_each_class_in_proportion(size: int) -> None:
    items = [f"{label}{number}" for label, count in (("a", 60), ("b", 30), ("c", 9)) for number in range(count)]
    counts = Counter(item[0] for item in draw(items, 1, str, lambda item: item[0])[:size])
    for label, share in (("a", 60 / 99), ("b", 30 / 99), ("c", 9 / 99)):
        assert abs(counts[label] - share * size) <= 1


def test_seeds_give_other_orders() -> None:
    assert all(one != other for one, other in pairwise(draw("abcdefgh", seed, str) for seed in range(5)))
