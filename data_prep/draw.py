"""The order in which pictures are drawn: the same on any machine, and of one seed the smaller draws lie in the larger.

A picture's rank is a hash of the seed and its own name. No random generator is involved, and no other picture: leaving
out a class changes nothing for the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from speciarl_verl.draw import rank

Item = TypeVar("Item")


def draw(
    items: Iterable[Item], seed: int, name: Callable[[Item], str], label: Callable[[Item], object] | None = None
) -> list[Item]:
    """The items in the order of their ranks; every beginning of it is a draw of that size.

    With `label` the draw is stratified: the k-th of a class of n (k from 0) comes at (k + 1/2) / n, so that every
    beginning holds each class in proportion.
    """
    ranked = sorted(items, key=lambda item: rank(seed, name(item)))
    if label is None:
        return ranked
    counts = Counter(label(item) for item in ranked)
    seen: Counter[object] = Counter()
    places = []
    for item in ranked:
        places.append((2 * seen[label(item)] + 1) / (2 * counts[label(item)]))
        seen[label(item)] += 1
    return [ranked[i] for i in sorted(range(len(ranked)), key=lambda i: (places[i], i))]
