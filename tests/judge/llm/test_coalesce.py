import asyncio

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.llm.coalesce import Coalescer


class Work:
    """Counts how often it is begun, and ends when told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.begun, self.ended, self.fault = 0, asyncio.Event(), fault

    async def __call__(self) -> int:
        self.begun += 1
        await self.ended.wait()
        if self.fault is not None:
            raise self.fault
        return self.begun


async def waiting(*waiters: "asyncio.Task[int]") -> None:
    await asyncio.sleep(0.01)
    assert not any(waiter.done() for waiter in waiters)


async def test_run_equal_keys_share_one_computation():
    coalescer: Coalescer[str, int] = Coalescer()
    work = Work()
    waiters = [asyncio.ensure_future(coalescer.run("a", work)) for _ in range(5)]
    await waiting(*waiters)
    assert "a" in coalescer
    assert "b" not in coalescer
    late = asyncio.ensure_future(coalescer.join("a"))
    await waiting(late)
    work.ended.set()
    assert await asyncio.gather(*waiters, late) == [1] * 6
    assert "a" not in coalescer


async def test_run_after_the_end_computes_anew():
    coalescer: Coalescer[str, int] = Coalescer()
    work = Work()
    work.ended.set()
    assert [await coalescer.run("a", work), await coalescer.run("a", work)] == [1, 2]


async def test_run_other_keys_do_not_wait_for_each_other():
    coalescer: Coalescer[str, int] = Coalescer()
    slow, quick = Work(), Work()
    quick.ended.set()
    waiter = asyncio.ensure_future(coalescer.run("slow", slow))
    assert await coalescer.run("quick", quick) == 1
    await waiting(waiter)
    slow.ended.set()
    assert await waiter == 1


async def test_run_error_goes_to_every_waiter_and_is_not_kept():
    coalescer: Coalescer[str, int] = Coalescer()
    work = Work(ValueError("boom"))
    waiters = [asyncio.ensure_future(coalescer.run("a", work)) for _ in range(3)]
    await waiting(*waiters)
    work.ended.set()
    assert [str(error) for error in await asyncio.gather(*waiters, return_exceptions=True)] == ["boom"] * 3
    good = Work()
    good.ended.set()
    assert await coalescer.run("a", good) == 1


async def test_run_cancelled_waiter_leaves_the_computation_to_the_others():
    coalescer: Coalescer[str, int] = Coalescer()
    work = Work()
    first, second = (asyncio.ensure_future(coalescer.run("a", work)) for _ in range(2))
    await waiting(first, second)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.ended.set()
    assert await second == 1


async def test_run_error_without_a_waiter_left_is_not_reported_as_lost(caplog):
    coalescer: Coalescer[str, int] = Coalescer()
    work = Work(ValueError("boom"))
    waiter = asyncio.ensure_future(coalescer.run("a", work))
    await waiting(waiter)
    waiter.cancel()
    work.ended.set()
    await asyncio.sleep(0.01)
    assert "a" not in coalescer
    assert "never retrieved" not in caplog.text


async def test_cancel_tells_the_waiters_that_the_judge_was_closed():
    coalescer: Coalescer[str, int] = Coalescer()
    waiters = [asyncio.ensure_future(coalescer.run(key, Work())) for key in "ab"]
    await waiting(*waiters)
    await coalescer.cancel()
    for waiter in waiters:
        with pytest.raises(JudgeError, match="closed while a verdict was awaited"):
            await waiter
    assert "a" not in coalescer
    await coalescer.cancel()
