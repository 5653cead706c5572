"""The door for a reward rule of one's own: what it is told, and what ends the run instead of being trained on."""

import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_verl.config.schema import RewardConfig
from speciarl_verl.errors import RuleError
from speciarl_verl.method.category import Category
from speciarl_verl.method.facts import Group
from speciarl_verl.method.rules import group_reward
from speciarl_verl.rollout.rule import load_rule, try_rule

S, G, W = Category.SPECIFIC, Category.GENERIC, Category.WRONG
GROUP = Group("robin", (S, G, None), ("robin", "bird", None), (9, 4, 30), 32, -1.0)
OUTCOMES = st.lists(st.sampled_from([*Category, None]), min_size=1, max_size=12)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the user's."""
    module = ModuleType("own_rules")
    monkeypatch.setitem(sys.modules, "own_rules", module)
    return module


def rule_of(own: ModuleType, function: Any) -> RewardConfig:
    own.rule = function  # type: ignore[attr-defined]
    return RewardConfig(rule="own_rules:rule")


def group_of(categories: list[Category | None]) -> Group:
    answers = tuple(None if category is None else category.label for category in categories)
    return Group("robin", tuple(categories), answers, (1,) * len(categories), 8)


@given(OUTCOMES, st.sampled_from(["dynamic", "binary", "graded-1"]))
def test_rule_of_the_method_sees_the_categories_only(categories: list[Category | None], name: Any) -> None:
    expected = group_reward(categories, name, format_reward=-0.5)
    assert load_rule(RewardConfig(rule=name, format_reward=-0.5))(group_of(categories)) == expected


def test_own_rule_is_told_the_whole_group_and_its_rewards_are_kept_in_order(own: ModuleType) -> None:
    told: list[Group] = []

    def short_and_right(group: Group) -> list[float]:
        told.append(group)
        base = group_reward(group.categories, format_reward=group.format_reward).rewards
        return [reward - 0.01 * tokens for reward, tokens in zip(base, group.response_tokens, strict=True)]

    earned = load_rule(rule_of(own, short_and_right))(GROUP)
    assert told == [GROUP]
    assert earned.rewards == pytest.approx((0.91, -0.04, -1.3), abs=2**-16)
    assert (earned.best, earned.reference) == (S, None)


@given(OUTCOMES)
def test_own_rule_may_give_any_finite_numbers(categories: list[Category | None]) -> None:
    module = ModuleType("own_rules")
    sys.modules["own_rules"] = module
    config = rule_of(module, lambda group: (i for i, _ in enumerate(group.categories)))
    assert load_rule(config)(group_of(categories)).rewards == tuple(map(float, range(len(categories))))
    del sys.modules["own_rules"]


def nothing(group: Group) -> None: ...


def raising(group: Group) -> list[float]:
    raise LookupError("no such label")


async def later(group: Group) -> list[float]:
    return [1.0] * len(group.categories)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param(lambda group: [1.0], "gave 1 rewards for 5 rollouts", id="too few"),
        pytest.param(lambda group: [0.0] * 9, "gave 9 rewards for 5 rollouts", id="too many"),
        pytest.param(lambda group: [float("nan")] * 5, "the reward nan, which is no finite number", id="not a number"),
        pytest.param(lambda group: [float("inf")] * 5, "the reward inf", id="infinite"),
        pytest.param(lambda group: ["1"] * 5, "the reward '1'", id="text"),
        pytest.param(nothing, "gave a NoneType", id="nothing"),
        pytest.param(raising, "failed with LookupError: no such label on Group", id="raises"),
        pytest.param(later, "gave a coroutine", id="coroutine", marks=pytest.mark.filterwarnings("ignore:coroutine")),
        pytest.param(
            lambda group: [1.0 / max(group.categories)] * 5,  # type: ignore[type-var]
            "failed with TypeError",
            id="forgets unparseable responses",
        ),
        pytest.param(lambda: [1.0], r"must take \(group\) and takes \(\)", id="takes nothing"),
        pytest.param(lambda categories, answers: [], r"takes \(categories, answers\)", id="takes more"),
        pytest.param(7, r"is no function \(int\)", id="no function"),
    ],
)
def test_broken_rule_is_found_by_trying_it(own: ModuleType, function: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        try_rule(rule_of(own, function), rollouts=5)
    assert str(caught.value).startswith("speciarl.reward.rule=own_rules:rule: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("no_such_package:rule", "No module named 'no_such_package'", id="no package"),
        pytest.param("own_rules:no_such", "has no such function", id="no function"),
    ],
)
def test_rule_that_is_not_there_is_named(own: ModuleType, path: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load_rule(RewardConfig(rule=path))


@pytest.mark.parametrize("rollouts", [2, 8, 10])
@pytest.mark.parametrize("name", ["dynamic", "binary", "graded-2"])
def test_rules_of_the_method_pass_the_trial(name: Any, rollouts: int) -> None:
    try_rule(RewardConfig(rule=name), rollouts)
