import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speciarl_verl.config.schema import exact_in_sums, parse_config
from speciarl_verl.errors import ConfigError

JUDGE = {"judge": {"name": "taxonomy"}}


@given(st.floats(0, 1), st.integers(1, 256))
def test_equal_rewards_have_that_reward_for_their_mean(reward: float, number: int) -> None:
    """In float32 too, which verl's mean is taken in."""
    import numpy as np

    exact = exact_in_sums(reward)
    assert 0 <= reward - exact < 2**-16
    assert np.full(number, exact, dtype=np.float32).sum(dtype=np.float32) / np.float32(number) == exact


def test_two_thirds_would_not() -> None:
    assert exact_in_sums(2 / 3) != 2 / 3
    assert math.isclose(exact_in_sums(2 / 3), 2 / 3, abs_tol=2**-16)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        pytest.param(None, r"no `speciarl:` node", id="no node"),
        pytest.param({}, r"speciarl\.judge: Field required", id="no judge"),
        pytest.param({**JUDGE, "sed": 1}, r"speciarl\.sed: Extra inputs", id="unknown key"),
        pytest.param({**JUDGE, "reward": {"rule": "none"}}, r"speciarl\.reward\.rule\.", id="no rule of that name"),
        pytest.param({**JUDGE, "reward": {"judge_noise": 1.5}}, r"judge_noise: .*\(got 1\.5\)", id="out of range"),
        pytest.param({**JUDGE, "group_timeout_s": 0}, r"speciarl\.group_timeout_s", id="no time"),
    ],
)
def test_the_first_fault_is_named_by_its_key(node: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        parse_config(node)
    assert str(refused.value).count("\n") == 0


def test_a_setting_of_the_judge_is_named_and_never_quoted() -> None:
    with pytest.raises(ConfigError, match=r"speciarl\.judge\.server\.timeout_s") as refused:
        parse_config({"judge": {"name": "server", "timeout_s": "top-secret"}})
    assert "top-secret" not in str(refused.value)
    assert refused.value.__cause__ is None
