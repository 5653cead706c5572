"""The reward rules: the categories of one group of rollouts -> one reward each.

Pure: no verl, no torch. Source: arXiv 2603.03197, section 3 (dynamic reward) and its ablations (static rewards).

Two keys generalise the dynamic rule; at 0 and 1 they are the paper. They are ours, to be tested, not the paper's.

`reliability` t in [0, 1) pays t to a true answer, G or S-, that misses the bar. Why: say that a specific answer is
right with probability r and the best true one is broader. The specific one earns r; the broader one earns 1 where no
sibling is specific and right, which has probability B, and t elsewhere: t + (1 - t) B. So a guess pays where r > t +
(1 - t) B. In the paper (t = 0) that is r > B, and B falls as rollouts are added, towards 0 where siblings guess
independently (to 1 - r where all guess the same): a lucky one sets the bar, and any guess pays. With t, the required
reliability lies between t and 1, nearer to t the more rollouts there are. Limits: where advantages are divided by the
group's deviation, a group of two values loses the gap between them, and t counts only where right, broad and wrong
answers meet; without that division (Dr.GRPO) it counts everywhere. An abstention below the bar earns nothing, or
abstaining would be a haven.

`support` asks that the bar be reached by kappa rollouts instead of one, so that one lucky guess does not set it: kappa
is k, or ceil(s n) for a share s of the n parseable answers. Its limit: it asks how often an answer is tried and right,
not how often it is right when tried, so what is right but seldom tried is never pulled up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from speciarl_verl.method.category import Category

FORMAT_REWARD = -1.0
"""What an unparseable response gets in the authors' training code."""

RewardName = Literal["dynamic", "binary", "graded-1", "graded-2", "graded-3", "floor"]
RewardMode = Literal["all", "single"]


def _table(*rewards: float) -> Mapping[Category, float]:
    """Rewards in the order of the paper's table: S+, S, S-, G, A, W."""
    return MappingProxyType(dict(zip(sorted(Category, reverse=True), rewards, strict=True)))


STATIC_REWARDS: Mapping[str, Mapping[Category, float]] = MappingProxyType(
    {
        "binary": _table(1, 1, 0, 0, 0, 0),
        "graded-1": _table(1, 1, 0.75, 0.5, 0.25, 0),
        "graded-2": _table(1, 1, 0.75, 0.5, 0, 0),
        "graded-3": _table(1, 1, 0.75, 0, 0, 0),
    }
)


@dataclass(frozen=True)
class GroupReward:
    """What one group earned.

    >>> group_reward([Category.MORE_SPECIFIC, Category.WRONG]).reference.symbol
    'S'

    Attributes:
        rewards: one a rollout, in the order of the categories given.
        best: the best category reached (c_best), None when no response was parseable.
        reference: the bar (c*), None for a static rule and when no response was parseable.
    """

    rewards: tuple[float, ...]
    best: Category | None
    reference: Category | None


def check_rule(rule: str, mode: RewardMode, reliability: float, support: int | float) -> None:
    """Refuse settings that do not go together.

    Raises:
        ValueError: a value is out of its range, or belongs to another rule.
    """
    dynamic = rule == "dynamic" and mode == "all"
    if mode != "all" and rule != "dynamic":
        raise ValueError(f"mode={mode} belongs to rule=dynamic, not to rule={rule}")
    if not 0 <= reliability < 1:
        raise ValueError(f"reliability={reliability} is not in [0, 1)")
    if reliability and not dynamic and rule != "floor":
        raise ValueError(f"reliability={reliability} belongs to rule=dynamic with mode=all, or to rule=floor")
    if not (support >= 1 if isinstance(support, int) else 0 < support < 1):
        raise ValueError(f"support={support} is neither a whole number from 1 on nor a share between 0 and 1")
    if support != 1 and not dynamic:
        raise ValueError(f"support={support} belongs to rule=dynamic with mode=all")


def reference_category(judged: Sequence[Category], support: int | float = 1) -> Category:
    """c*: the highest of A, G, S- and S that kappa of the group reach, A where there is none.

    With the paper's kappa = 1: S for c_best = S+ (never demand more than the truth), A for W, c_best otherwise.

    Args:
        judged: the categories of the group's parseable answers.
        support: k, at least 1; or a share of them in (0, 1).
    """
    # The share as it was written: 0.07 x 100 is 7, which floats put above.
    kappa = support if isinstance(support, int) else max(1, math.ceil(Fraction(str(support)) * len(judged)))
    for bar in (Category.SPECIFIC, Category.LESS_SPECIFIC, Category.GENERIC):
        if sum(category >= bar for category in judged) >= kappa:
            return bar
    return Category.ABSTAIN


def group_reward(
    categories: Sequence[Category | None],
    rule: RewardName = "dynamic",
    mode: RewardMode = "all",
    format_reward: float = FORMAT_REWARD,
    reliability: float = 0.0,
    support: int | float = 1,
) -> GroupReward:
    """Reward the N rollouts of one image.

    >>> group_reward([Category.LESS_SPECIFIC, Category.GENERIC, Category.WRONG, None]).rewards
    (1.0, 0.0, 0.0, -1.0)

    Args:
        categories: one a rollout; None for an unparseable response, which gets `format_reward` and no vote.
        rule: `dynamic`, r_i = 1 if c_i >= c* else 0; or a static table by its name, of which `floor` is S and S+ 1, S-
            and G `reliability`, A and W 0.
        mode: with `single`, of the rollouts that reach c* only the first gets 1 (dynamic rule only).
        reliability: t in [0, 1), earned by G and S- below c*.
        support: how many rollouts, or which share of the parseable ones, must reach c*.

    Raises:
        ValueError: the group is empty, or the settings do not go together.
        KeyError: no rule of that name.
    """
    if not categories:
        raise ValueError("an empty group has no reward: a group needs at least one rollout")
    check_rule(rule, mode, reliability, support)
    judged = [category for category in categories if category is not None]
    best = max(judged, default=None)
    reference = reference_category(judged, support) if rule == "dynamic" and judged else None
    if rule == "dynamic":
        table = {} if reference is None else _dynamic(reference, reliability)
    else:
        table = _floor(reliability) if rule == "floor" else STATIC_REWARDS[rule]
    rewards = [float(format_reward if category is None else table[category]) for category in categories]
    if mode == "single" and reference is not None:
        rewards = _first_only(rewards, categories, reference)
    return GroupReward(rewards=tuple(rewards), best=best, reference=reference)


def _first_only(rewards: Sequence[float], categories: Sequence[Category | None], reference: Category) -> list[float]:
    reached = [category is not None and category >= reference for category in categories]
    return [0.0 if reached[place] and any(reached[:place]) else reward for place, reward in enumerate(rewards)]


def _dynamic(reference: Category, reliability: float) -> Mapping[Category, float]:
    below = {Category.GENERIC: reliability, Category.LESS_SPECIFIC: reliability}
    return {category: 1.0 if category >= reference else below.get(category, 0.0) for category in Category}


def _floor(reliability: float) -> Mapping[Category, float]:
    return _table(1, 1, reliability, reliability, 0, 0)
