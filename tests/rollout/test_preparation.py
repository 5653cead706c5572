import asyncio
import gc
import weakref

import pytest

from speciarl_verl.rollout.preparation import Preparation, current_preparation, shared_preparation


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
    preparation, work, inputs = Preparation(), Work(), [object()]
    assert await asyncio.gather(*(preparation.once(list(inputs), work) for _ in range(5))) == ["done"] * 5
    assert work.started == 1


async def test_inputs_that_are_only_equal_are_not_the_same() -> None:
    preparation, work = Preparation(), Work()
    await asyncio.gather(preparation.once([[1]], work), preparation.once([[1]], work), preparation.once([], work))
    assert work.started == 3


async def test_caller_that_is_cancelled_leaves_the_work_to_the_others() -> None:
    preparation, work, inputs = Preparation(), Work(), [object()]
    first, second = (asyncio.create_task(preparation.once(inputs, work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "done"
    assert first.cancelled()
    assert work.started == 1


async def test_work_that_fails_fails_for_all() -> None:
    preparation, work, inputs = Preparation(), Work(ValueError("broken picture")), [object()]
    outcomes = await asyncio.gather(*(preparation.once(inputs, work) for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["broken picture"] * 3
    assert work.started == 1


async def test_tasks_of_a_block_share_a_preparation_and_blocks_do_not() -> None:
    async def of_a_block() -> list[Preparation | None]:
        async def rollout() -> Preparation | None:
            await asyncio.sleep(0)
            return current_preparation()

        with shared_preparation():
            return await asyncio.gather(*(asyncio.create_task(rollout()) for _ in range(3)))

    one, other = await asyncio.gather(of_a_block(), of_a_block())
    assert one[0] is not None
    assert one[0] is one[1] is one[2]
    assert other[0] is not one[0]
    assert current_preparation() is None


class Features(dict[str, object]):
    """A dict that can be watched."""


@pytest.mark.parametrize("error", [None, ValueError("engine died"), asyncio.CancelledError()], ids=repr)
async def test_features_are_let_go_of_with_the_block(error: BaseException | None) -> None:
    watched: list[weakref.ref[Features]] = []

    async def group() -> None:
        with shared_preparation():
            preparation, pictures = current_preparation(), [object()]
            assert preparation is not None
            preparation.keep_features(pictures, features := Features())
            watched.append(weakref.ref(features))
            assert preparation.features_of(pictures) is features
            assert preparation.features_of([object()]) is None
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

    with shared_preparation():
        preparation = current_preparation()
        assert preparation is not None
        waiting = asyncio.create_task(preparation.once([], endless))
        await begun.wait()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await asyncio.wait_for(ended.wait(), 10)
