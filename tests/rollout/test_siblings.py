import asyncio
import gc
import weakref

import pytest

from speciarl_verl.rollout.siblings import Siblings, current_siblings, sharing


class Work:
    """Takes a turn of the event loop, counts how often it was started, and gives or raises what it was told."""

    def __init__(self, outcome: object = "done") -> None:
        self.started = 0
        self._outcome = outcome

    async def __call__(self) -> object:
        self.started += 1
        await asyncio.sleep(0.01)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


async def test_callers_with_the_same_inputs_share_one_result() -> None:
    siblings, work, inputs = Siblings(5), Work(), [object()]
    assert await asyncio.gather(*(siblings.once(list(inputs), work) for _ in range(5))) == ["done"] * 5
    assert work.started == 1


async def test_inputs_that_are_only_equal_are_not_the_same() -> None:
    siblings, work = Siblings(5), Work()
    await asyncio.gather(siblings.once([[1]], work), siblings.once([[1]], work), siblings.once([], work))
    assert work.started == 3


async def test_caller_that_is_cancelled_leaves_the_work_to_the_others() -> None:
    siblings, work, inputs = Siblings(5), Work(), [object()]
    first, second = (asyncio.create_task(siblings.once(inputs, work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "done"
    assert first.cancelled()
    assert work.started == 1


async def test_work_that_fails_fails_for_all() -> None:
    siblings, work, inputs = Siblings(5), Work(ValueError("broken picture")), [object()]
    outcomes = await asyncio.gather(*(siblings.once(inputs, work) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["broken picture"] * 3
    assert work.started == 1


async def test_tasks_of_a_block_share_and_blocks_do_not() -> None:
    async def of_a_block() -> list[Siblings | None]:
        async def rollout() -> Siblings | None:
            await asyncio.sleep(0)
            return current_siblings()

        with sharing(3):
            return await asyncio.gather(*(asyncio.create_task(rollout()) for _ in range(3)))

    one, other = await asyncio.gather(of_a_block(), of_a_block())
    assert one[0] is not None
    assert one[0] is one[1] is one[2]
    assert other[0] is not one[0]
    assert current_siblings() is None


class Features(dict[str, object]):
    """A dict that can be watched."""


@pytest.mark.parametrize("error", [None, ValueError("engine died"), asyncio.CancelledError()], ids=repr)
async def test_features_are_let_go_of_with_the_block(error: BaseException | None) -> None:
    watched: list[weakref.ref[Features]] = []

    async def group() -> None:
        with sharing(3):
            siblings, pictures = current_siblings(), [object()]
            assert siblings is not None
            siblings.keep_features(pictures, features := Features())
            watched.append(weakref.ref(features))
            assert siblings.features_of(pictures) is features
            assert siblings.features_of([object()]) is None
            del features
            if error:
                raise error

    await asyncio.gather(group(), return_exceptions=True)
    gc.collect()
    assert [ref() for ref in watched] == [None]


async def test_unfinished_work_ends_with_the_block() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with sharing(3):
        siblings = current_siblings()
        assert siblings is not None
        waiting = asyncio.create_task(siblings.once([], endless))
        await begun.wait()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await asyncio.wait_for(ended.wait(), 10)


def test_last_rollout_gets_what_all_leave_behind_in_the_order_of_their_numbers() -> None:
    siblings = Siblings(3)
    assert siblings.collect(2, "c") is None
    assert siblings.collect(0, "a") is None
    assert siblings.collect(1, "b") == ["a", "b", "c"]


def test_group_of_one_is_whole_at_once() -> None:
    assert Siblings(1).collect(0, "a") == ["a"]


def test_rollout_that_has_left_something_is_refused() -> None:
    siblings = Siblings(2)
    siblings.collect(1, "a")
    with pytest.raises(ValueError, match="two rollouts of one group have the number 1"):
        siblings.collect(1, "b")


async def test_groups_that_run_side_by_side_collect_apart() -> None:
    async def rollout(number: int) -> list[int] | None:
        await asyncio.sleep(0)
        siblings = current_siblings()
        assert siblings is not None
        return siblings.collect(number, number)

    async def group() -> list[list[int] | None]:
        with sharing(2):
            return await asyncio.gather(rollout(0), rollout(1))

    assert await asyncio.gather(group(), group()) == [[None, [0, 1]], [None, [0, 1]]]
