import random

import pytest

from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import STATIC_REWARDS, group_reward, reference_category

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)


def formula(categories, mode):
    """METHOD.md, line by line, on the paper's symbols: independent of the code under test."""
    order = ["W", "A", "G", "S-", "S", "S+"]
    symbols = [None if category is None else category.symbol for category in categories]
    ranks = [order.index(symbol) for symbol in symbols if symbol is not None]
    if not ranks:
        return [-1.0] * len(symbols)
    c_best = order[max(ranks)]
    c_star = "S" if c_best == "S+" else "A" if c_best == "W" else c_best
    rewards = [
        -1.0 if symbol is None else 1.0 if order.index(symbol) >= order.index(c_star) else 0.0 for symbol in symbols
    ]
    if mode == "single" and 1.0 in rewards:
        first = rewards.index(1.0)
        rewards = [0.0 if reward == 1.0 and i != first else reward for i, reward in enumerate(rewards)]
    return rewards


@pytest.mark.parametrize("mode", ["all", "single"])
def test_group_reward_dynamic_equals_the_formula_for_10_000_random_groups(mode):
    draw = random.Random(42)
    for _ in range(10_000):
        # Drawing from a random subset makes low and uniform groups as common as high ones.
        menu = draw.sample([None, *Category], draw.randint(1, 7))
        group = draw.choices(menu, k=draw.randint(1, 16))
        assert list(group_reward(group, "dynamic", mode).rewards) == formula(group, mode), group


@pytest.mark.parametrize(
    ("group", "rewards"),
    [
        pytest.param([G, G, G], [1, 1, 1], id="uniformly generic: all rewarded, no advantage"),
        pytest.param([W, A, W], [0, 1, 0], id="a lone abstention among wrong answers is rewarded"),
        pytest.param([S, S_PLUS, S_MINUS], [1, 1, 0], id="S and S+ tie"),
        pytest.param([G, S_MINUS, S, G], [0, 0, 1, 0], id="one S takes the reward from every G and S-"),
        pytest.param([W, W, W], [0, 0, 0], id="all wrong: nothing reaches the bar"),
        pytest.param([S_PLUS], [1], id="a group of one"),
        pytest.param([W], [0], id="a wrong group of one"),
        pytest.param([None, G, W], [-1, 1, 0], id="an unparseable response has no vote"),
        pytest.param([None, W], [-1, 0], id="unparseable is below wrong"),
        pytest.param([None, None], [-1, -1], id="nothing parseable"),
    ],
)
def test_group_reward_dynamic_consequences(group, rewards):
    assert list(group_reward(group).rewards) == rewards


@pytest.mark.parametrize(
    ("group", "rewards"),
    [
        pytest.param([G, S, S_PLUS, S], [0, 1, 0, 0], id="the first that reaches the bar, not the highest"),
        pytest.param([None, A, A, W], [-1, 1, 0, 0], id="behind an unparseable one"),
        pytest.param([W, W], [0, 0], id="nobody"),
    ],
)
def test_group_reward_single_pays_the_first_only(group, rewards):
    assert list(group_reward(group, mode="single").rewards) == rewards


@pytest.mark.parametrize(("best", "bar"), [(W, A), (A, A), (G, G), (S_MINUS, S_MINUS), (S, S), (S_PLUS, S)])
def test_reference_category_every_best(best, bar):
    assert reference_category(best) is bar
    result = group_reward([W, best])
    assert (result.best, result.reference) == (best, bar)


def test_group_reward_nothing_parseable_has_no_best():
    result = group_reward([None, None], format_reward=-0.5)
    assert (result.best, result.reference, result.rewards) == (None, None, (-0.5, -0.5))


@pytest.mark.parametrize(
    ("rule", "table"),
    [
        ("binary", [1, 1, 0, 0, 0, 0]),
        ("graded-1", [1, 1, 0.75, 0.5, 0.25, 0]),
        ("graded-2", [1, 1, 0.75, 0.5, 0, 0]),
        ("graded-3", [1, 1, 0.75, 0, 0, 0]),
    ],
)
def test_group_reward_static_is_the_table(rule, table):
    result = group_reward([S_PLUS, S, S_MINUS, G, A, W, None], rule)
    assert list(result.rewards) == [*table, -1]
    assert (result.best, result.reference) == (S_PLUS, None)


def test_group_reward_static_does_not_look_at_the_siblings():
    for rule in STATIC_REWARDS:
        alone = [group_reward([category], rule).rewards[0] for category in Category]
        assert list(group_reward(list(Category), rule).rewards) == alone


def test_group_reward_rewards_are_floats_whatever_the_rule():
    for rule in ("dynamic", *STATIC_REWARDS):
        assert all(type(reward) is float for reward in group_reward([S, None, W], rule, format_reward=-1).rewards)


@pytest.mark.parametrize("rule", ["dynamic", "binary"])
def test_group_reward_empty_group_is_an_error(rule):
    with pytest.raises(ValueError, match="empty group"):
        group_reward([], rule)


def test_group_reward_unknown_rule_is_an_error():
    with pytest.raises(KeyError, match="reward3"):
        group_reward([S], "reward3")


def test_group_reward_single_with_a_static_rule_is_an_error():
    with pytest.raises(ValueError, match="single"):
        group_reward([S], "binary", mode="single")


def test_static_rewards_cannot_be_changed():
    with pytest.raises(TypeError):
        STATIC_REWARDS["binary"][S] = 0.5
