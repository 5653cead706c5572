"""What the rollouts of a group leave behind is handed out once, whole and in their order."""

import asyncio

import pytest

from speciarl_verl.rollout.parcel import Parcel, current_parcel, shared_parcel


def test_last_rollout_gets_the_items_of_all_in_the_order_of_their_numbers() -> None:
    parcel = Parcel(3)
    assert parcel.add(2, "c") is None
    assert parcel.add(0, "a") is None
    assert parcel.add(1, "b") == ["a", "b", "c"]


def test_group_of_one_is_whole_at_once() -> None:
    assert Parcel(1).add(0, "a") == ["a"]


def test_rollout_that_is_in_already_is_refused() -> None:
    parcel = Parcel(2)
    parcel.add(1, "a")
    with pytest.raises(ValueError, match="two rollouts of one group have the number 1"):
        parcel.add(1, "b")


def test_tasks_of_a_group_share_a_parcel_and_those_of_others_do_not() -> None:
    async def rollout(number: int) -> list[str] | None:
        await asyncio.sleep(0)
        parcel = current_parcel()
        assert parcel is not None
        return parcel.add(number, number)

    async def group() -> list[list[str] | None]:
        with shared_parcel(2):
            return await asyncio.gather(rollout(0), rollout(1))

    async def groups() -> list[list[list[str] | None]]:
        return await asyncio.gather(group(), group())

    assert asyncio.run(groups()) == [[None, [0, 1]], [None, [0, 1]]]


def test_no_parcel_outside_a_group() -> None:
    with shared_parcel(2):
        pass
    assert current_parcel() is None
