"""Judge noise: verdicts moved one step, as a judge that errs would move them.

An ablation of the authors (5, 10, 25%); theirs is unseeded. Source: arXiv 2603.03197, the authors' training code.
"""

from speciarl_verl.method.category import Category

_LADDER = (Category.WRONG, Category.ABSTAIN, Category.GENERIC, Category.LESS_SPECIFIC, Category.SPECIFIC)


def noised(category: Category, noise: float, draw: bytes) -> Category:
    """The category, or with probability `noise` a neighbour of it.

    Args:
        category: S+ moves as S does; at the ends a category moves inward, elsewhere up or down alike.
        noise: in [0, 1].
        draw: chance, as 9 evenly spread bytes or more.
    """
    if int.from_bytes(draw[:8], "big") / 2**64 >= noise:
        return category
    place = _LADDER.index(min(category, Category.SPECIFIC))
    up = place == 0 or (place < len(_LADDER) - 1 and draw[8] % 2 == 1)
    return _LADDER[place + (1 if up else -1)]
