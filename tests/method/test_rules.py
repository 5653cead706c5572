import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        pytest.param([None, None], [-1, -1], id="nothing parseable"),
    ],
)
def test_group_reward_single_pays_the_first_only(group, rewards):
    assert list(group_reward(group, mode="single").rewards) == rewards


@pytest.mark.parametrize(("best", "bar"), [(W, A), (A, A), (G, G), (S_MINUS, S_MINUS), (S, S), (S_PLUS, S)])
def test_reference_category_every_best(best, bar):
    assert reference_category([best]) is bar
    result = group_reward([W, best])
    assert (result.best, result.reference) == (best, bar)


def test_group_reward_nothing_parseable_has_no_best():
    result = group_reward([None, None], format_reward=-0.5)
    assert (result.best, result.reference, result.rewards) == (None, None, (-0.5, -0.5))


def generalised_formula(categories, t, k=None, share=None):
    """METHOD.md's two generalisations, line by line: independent of the code under test. `share` is a fraction."""
    order = ["W", "A", "G", "S-", "S", "S+"]
    symbols = [None if category is None else category.symbol for category in categories]
    parseable = [symbol for symbol in symbols if symbol is not None]
    n = len(parseable)
    kappa = max(1, k) if share is None else max(1, -(-share.numerator * n // share.denominator))

    def reach(bar):
        return sum(order.index(symbol) >= order.index(bar) for symbol in parseable)

    c_star = max([c for c in ("A", "G", "S-", "S") if reach(c) >= kappa] or ["A"], key=order.index)
    rewards = []
    for symbol in symbols:
        if symbol is None:
            rewards.append(-1.0)
        elif order.index(symbol) >= order.index(c_star):
            rewards.append(1.0)
        else:
            rewards.append(t if symbol in ("G", "S-") else 0.0)
    return rewards


def test_group_reward_generalised_equals_the_definitions_for_10_000_random_groups():
    draw = random.Random(43)
    for _ in range(10_000):
        menu = draw.sample([None, *Category], draw.randint(1, 7))
        group = draw.choices(menu, k=draw.randint(1, 16))
        t = draw.choice([0.0, 0.5, 2 / 3, draw.random()])
        if draw.random() < 0.5:
            k = draw.randint(1, 17)
            rewards, expected = group_reward(group, reliability=t, support=k), generalised_formula(group, t, k=k)
        else:
            share = Fraction(draw.randint(1, 99), 100)
            rewards = group_reward(group, reliability=t, support=float(share))
            expected = generalised_formula(group, t, share=share)
        assert list(rewards.rewards) == expected, group


def test_group_reward_generalised_at_its_defaults_is_the_paper_bit_for_bit():
    draw = random.Random(44)
    for _ in range(10_000):
        menu = draw.sample([None, *Category], draw.randint(1, 7))
        group = draw.choices(menu, k=draw.randint(1, 16))
        paper = formula(group, "all")
        assert [r.hex() for r in group_reward(group, reliability=0.0, support=1).rewards] == [r.hex() for r in paper]
        # A share that asks for one answer of sixteen at most.
        assert group_reward(group, support=1 / 16) == group_reward(group)


@pytest.mark.parametrize(
    ("group", "support", "rewards"),
    [
        pytest.param([S, S_MINUS, G, A, W, None], 1, [1, 0.5, 0.5, 0, 0, -1], id="credit below the bar, A and W none"),
        pytest.param([G, A, W], 1, [1, 0, 0], id="the bar is generic: nobody is below it with credit"),
        pytest.param([G, G], 1, [1, 1], id="a uniform group has no signal"),
        pytest.param([S, G, G, W], 2, [1, 1, 1, 0], id="one lucky guess sets no bar"),
        pytest.param([S, S_PLUS, G, W], 2, [1, 1, 0.5, 0], id="S and S+ support S together"),
        pytest.param([S, S_MINUS, G, W], 2, [1, 1, 0.5, 0], id="what is higher supports what is lower"),
        pytest.param([S, W, W], 2, [1, 0, 0], id="nothing has support: the bar is A"),
        pytest.param([S, None, None, G], 2, [1, -1, -1, 1], id="an unparseable answer supports nothing"),
        pytest.param([S, None, None, None, G], 0.5, [1, -1, -1, -1, 0.5], id="a share of the parseable answers"),
        pytest.param([None, None], 2, [-1, -1], id="nothing parseable"),
    ],
)
def test_group_reward_generalised_consequences(group, support, rewards):
    assert list(group_reward(group, reliability=0.5, support=support).rewards) == rewards


def test_reference_category_share_is_counted_as_it_is_written():
    # 0.07 * 100 is 7.000000000000001 in floats, and would ask for eight.
    assert reference_category([S] * 7 + [G] * 93, 0.07) is S
    assert reference_category([S] * 6 + [G] * 94, 0.07) is G


def test_group_reward_reliability_is_the_floor_of_the_reliability_that_a_guess_needs():
    """Expected reward of a guess (right with r) and of the true broader answer, in a group whose siblings all guess."""
    n, t = 8, 0.5
    for r in (0.3, 0.45, 0.55, 0.8):
        nobody_right = (1 - r) ** (n - 1)
        bars = {False: nobody_right, True: 1 - nobody_right}
        honest = sum(
            share * group_reward([G, S if sibling_right else W], reliability=t).rewards[0]
            for sibling_right, share in bars.items()
        )
        guess = r * group_reward([S, G], reliability=t).rewards[0]
        assert honest == pytest.approx(t + (1 - t) * nobody_right)
        assert (guess > honest) == (r > t + (1 - t) * nobody_right)


@pytest.mark.parametrize("t", [0.0, 2 / 3])
def test_group_reward_floor_is_a_table_of_reliability(t):
    result = group_reward([S_PLUS, S, S_MINUS, G, A, W, None], "floor", reliability=t)
    assert list(result.rewards) == [1, 1, t, t, 0, 0, -1]
    assert (result.best, result.reference) == (S_PLUS, None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"reliability": 1.0}, "not in", id="reliability of one"),
        pytest.param({"reliability": -0.1}, "not in", id="negative reliability"),
        pytest.param({"reliability": float("nan")}, "not in", id="reliability that is no number"),
        pytest.param({"support": 0}, "neither", id="no support"),
        pytest.param({"support": 1.0}, "neither", id="a share of all, or one?"),
        pytest.param({"support": 0.0}, "neither", id="a share of nothing"),
        pytest.param({"mode": "single", "reliability": 0.5}, "belongs to", id="reliability in single mode"),
        pytest.param({"mode": "single", "support": 2}, "belongs to", id="support in single mode"),
        pytest.param({"rule": "graded-1", "reliability": 0.5}, "belongs to", id="reliability of a static rule"),
        pytest.param({"rule": "binary", "support": 0.5}, "belongs to", id="support of a static rule"),
        pytest.param({"rule": "floor", "reliability": 0.5, "support": 2}, "belongs to", id="support of the floor"),
        pytest.param({"rule": "floor", "mode": "single"}, "belongs to", id="floor in single mode"),
    ],
)
def test_group_reward_settings_that_do_not_go_together_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        group_reward([S, G], **settings)


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
    for rule in ("dynamic", "floor", *STATIC_REWARDS):
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


GROUPS = st.lists(st.sampled_from([None, *Category]), min_size=1, max_size=16)
SETTINGS = st.fixed_dictionaries(
    {"reliability": st.floats(0, 0.99), "support": st.integers(1, 16) | st.floats(0.01, 0.99)}
)


@given(GROUPS, SETTINGS, st.randoms())
def test_group_reward_goes_with_the_rollout_whatever_its_place(group, settings, chance):
    places = list(range(len(group)))
    chance.shuffle(places)
    rewards = group_reward(group, **settings).rewards
    shuffled = group_reward([group[place] for place in places], **settings).rewards
    assert shuffled == tuple(rewards[place] for place in places)


@given(GROUPS, SETTINGS)
def test_group_reward_never_pays_a_lower_category_more(group, settings):
    paid = dict(zip(group, group_reward(group, **settings).rewards, strict=True))
    judged = [(category, paid[category]) for category in sorted(set(group) - {None}) if category is not W]
    rewards = [reward for _, reward in judged]
    assert rewards == sorted(rewards)
    assert all(0 <= reward <= 1 for reward in rewards)
    assert paid.get(W, 0) == 0
    assert paid.get(None, -1) == -1


@given(GROUPS)
def test_group_reward_somebody_earns_one_unless_all_are_wrong(group):
    result = group_reward(group)
    assert (1.0 in result.rewards) == (result.best is not None and result.best > W)
    assert group_reward(group, mode="single").rewards.count(1.0) <= 1


@given(GROUPS, st.integers(1, 15))
def test_reference_category_never_rises_with_the_support_asked_for(group, support):
    judged = [category for category in group if category is not None]
    assert reference_category(judged, support + 1) <= reference_category(judged, support) <= reference_category(judged)


@given(GROUPS, st.sampled_from([None, *Category]))
def test_group_reward_static_rules_know_no_siblings(group, other):
    for rule in STATIC_REWARDS:
        assert group_reward([*group, other], rule).rewards[: len(group)] == group_reward(group, rule).rewards
