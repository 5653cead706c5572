"""What a row tells of a rollout."""

from typing import Any

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.rollout.row import (
    GROUP_SIZE_KEY,
    VALIDATE_KEY,
    Origin,
    Placement,
    read_ground_truth,
    read_origin,
    read_placement,
)

ROW: dict[str, Any] = {
    "uid": "u",
    "session_id": 3,
    "global_steps": 7,
    "data_source": "cub",
    "extra_info": {"split": "train", "index": 5, "content_hash": "ab"},
    "reward_model": {"ground_truth": "robin"},
    GROUP_SIZE_KEY: 8,
    VALIDATE_KEY: False,
}


def test_read_origin_is_the_picture_the_step_and_the_rollout() -> None:
    assert read_origin(ROW) == Origin("cub/ab", 7, 3)
    assert read_origin(ROW | {"extra_info": {"index": 5}}) == Origin("cub/5", 7, 3)
    assert Origin("cub/ab", 7, 3).names == ("cub/ab", "7", "3")


@pytest.mark.parametrize("key", ["data_source", "global_steps", "session_id", "extra_info"])
def test_read_origin_of_a_row_that_does_not_tell_is_none(key: str) -> None:
    assert read_origin({name: value for name, value in ROW.items() if name != key}) is None


def test_read_placement_and_ground_truth() -> None:
    assert read_placement(ROW) == Placement("u", 3, 8, validate=False)
    assert read_ground_truth(ROW) == "robin"


def test_read_placement_of_a_row_not_dispatched_by_us_is_refused() -> None:
    with pytest.raises(InputError, match="agent_loop_manager_class"):
        read_placement({"uid": "u", "session_id": 0})


@pytest.mark.parametrize("reward_model", [None, {}, {"ground_truth": " "}, {"ground_truth": 3}])
def test_read_ground_truth_of_a_row_without_one_is_refused(reward_model: Any) -> None:
    with pytest.raises(InputError, match="no ground truth"):
        read_ground_truth({"uid": "u", "reward_model": reward_model})
