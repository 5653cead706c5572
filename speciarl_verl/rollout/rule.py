"""From the configuration to the rule that rewards a group: one of the method's by name, or the user's own function.

Config keys: `speciarl.reward.*`. A rule of one's own is `package.module:function`: a `Group` -> one reward a rollout,
each rounded down to a multiple of 2^-16 (see `exact_in_sums`).
"""

import math
from collections.abc import Callable
from itertools import cycle, islice
from numbers import Real
from typing import Any

from speciarl_verl.config.schema import RewardConfig, exact_in_sums
from speciarl_verl.errors import ConfigError, RuleError
from speciarl_verl.method.category import Category
from speciarl_verl.method.facts import Group
from speciarl_verl.method.rules import GroupReward, group_reward
from speciarl_verl.named_function import named_function

Rule = Callable[[Group], GroupReward]

_KEY = "speciarl.reward.rule"
_MIXED = (Category.MORE_SPECIFIC, None, *sorted(set(Category) - {Category.MORE_SPECIFIC}))
"""Even the smallest group has a response without an answer."""


def load_rule(config: RewardConfig) -> Rule:
    """The rule of a run.

    Raises:
        RuleError: the user's function cannot be imported, or takes something else than a group.
    """
    if ":" in config.rule:
        return _own_rule(config.rule)
    settings: dict[str, Any] = config.model_dump(exclude={"overlong", "judge_noise"})
    return lambda group: group_reward(group.categories, **settings)


def try_rule(config: RewardConfig, rollouts: int) -> None:
    """Have the rule reward made-up groups: a mixed one, one that is all wrong, and one without an answer.

    Args:
        rollouts: in a group.

    Raises:
        RuleError: it cannot be loaded, or gives no rewards that could be trained on.
    """
    rule = load_rule(config)
    for categories in (_MIXED, (Category.WRONG,), (None,)):
        rule(_made_up(tuple(islice(cycle(categories), rollouts)), config.format_reward))


def _own_rule(path: str) -> Rule:
    try:
        function = named_function(path, _KEY, "group")
    except ConfigError as error:
        raise RuleError(str(error)) from error

    def rule(group: Group) -> GroupReward:
        judged = [category for category in group.categories if category is not None]
        return GroupReward(_rewards(function, group, f"{_KEY}={path}"), best=max(judged, default=None), reference=None)

    return rule


def _rewards(function: Callable[[Group], Any], group: Group, place: str) -> tuple[float, ...]:
    try:
        given = function(group)
    except Exception as error:
        raise RuleError(f"{place}: failed with {type(error).__name__}: {error} on {group}") from error
    try:
        rewards = tuple(given)
    except TypeError:
        raise RuleError(f"{place}: gave a {type(given).__name__} and not one reward a rollout") from None
    if len(rewards) != len(group.categories):
        raise RuleError(f"{place}: gave {len(rewards)} rewards for {len(group.categories)} rollouts, on {group}")
    for reward in rewards:
        if not isinstance(reward, Real) or not math.isfinite(reward):
            raise RuleError(f"{place}: gave the reward {reward!r}, which is no finite number, on {group}")
    return tuple(exact_in_sums(float(reward)) for reward in rewards)


def _made_up(categories: tuple[Category | None, ...], format_reward: float) -> Group:
    answers = tuple(None if category is None else f"a {category.label} answer" for category in categories)
    lengths = tuple(range(1, len(categories) + 1))
    return Group("golden retriever", categories, answers, lengths, max(lengths), format_reward)
