"""The reward rules: the categories of one group of rollouts -> one reward each.

Pure: no verl, no torch. Source: arXiv 2603.03197, section 3 (dynamic reward) and its ablations (static rewards).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from speciarl_verl.method.category import Category

FORMAT_REWARD = -1.0
"""What an unparseable response gets in the authors' training code."""

RewardName = Literal["dynamic", "binary", "graded-1", "graded-2", "graded-3"]
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

    Attributes:
        rewards: one a rollout, in the order of the categories given.
        best: the best category reached (c_best), None when no response was parseable.
        reference: the bar (c*), None for a static rule and when no response was parseable.
    """

    rewards: tuple[float, ...]
    best: Category | None
    reference: Category | None


def reference_category(best: Category) -> Category:
    """c*: S for S+ (never demand more than the truth), A for W (nothing reaches it), c_best otherwise."""
    if best is Category.MORE_SPECIFIC:
        return Category.SPECIFIC
    if best is Category.WRONG:
        return Category.ABSTAIN
    return best


def group_reward(
    categories: Sequence[Category | None],
    rule: RewardName = "dynamic",
    mode: RewardMode = "all",
    format_reward: float = FORMAT_REWARD,
) -> GroupReward:
    """Reward the N rollouts of one image.

    Args:
        categories: one a rollout; None for an unparseable response, which gets `format_reward` and no vote.
        rule: `dynamic`, r_i = 1 if c_i >= c* else 0; or a static table by its name.
        mode: with `single`, of the rollouts that reach c* only the first gets 1 (dynamic rule only).

    Raises:
        ValueError: the group is empty, or `single` is asked of a static rule.
        KeyError: no rule of that name.
    """
    if not categories:
        raise ValueError("an empty group has no reward: a group needs at least one rollout")
    judged = [category for category in categories if category is not None]
    best = max(judged, default=None)
    if rule == "dynamic":
        reference = None if best is None else reference_category(best)
        rewards = _dynamic(categories, reference, mode, format_reward)
    else:
        if mode != "all":
            raise ValueError(f"reward mode {mode!r} belongs to the dynamic rule, not to {rule!r}")
        reference, table = None, STATIC_REWARDS[rule]
        rewards = [format_reward if category is None else table[category] for category in categories]
    return GroupReward(rewards=tuple(float(reward) for reward in rewards), best=best, reference=reference)


def _dynamic(
    categories: Sequence[Category | None], reference: Category | None, mode: RewardMode, format_reward: float
) -> list[float]:
    rewards = []
    paid = False
    for category in categories:
        if category is None or reference is None:
            rewards.append(format_reward)
            continue
        reached = category >= reference and not (mode == "single" and paid)
        paid = paid or reached
        rewards.append(1.0 if reached else 0.0)
    return rewards
