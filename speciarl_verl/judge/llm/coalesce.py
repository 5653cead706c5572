"""One computation for all who ask for the same thing at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from speciarl_verl.errors import JudgeError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Coalescer(Generic[K, V]):
    """Computations in flight, by key, on one event loop. It keeps no results.

    A computation belongs to no one of its waiters: a cancelled waiter leaves it running for the others. Its error goes
    to everyone who was waiting; whoever comes later starts anew.
    """

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        """True while `key` is being computed."""
        return key in self._running

    async def run(self, key: K, compute: Callable[[], Awaitable[V]]) -> V:
        """Join the computation of `key`, or start it.

        Raises:
            JudgeError: `cancel` ended the computation. Its own exceptions pass through.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_awaited(compute))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await self._result(task)

    async def join(self, key: K) -> V:
        """Wait for the computation of `key`, which must be running; see `run`."""
        return await self._result(self._running[key])

    async def _result(self, task: "asyncio.Task[V]") -> V:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise JudgeError("the judge was closed while a verdict was awaited") from None
            raise

    async def cancel(self) -> None:
        """End all computations."""
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        del self._running[key]
        # Marks an error as seen: without a waiter left, asyncio would log it as never retrieved.
        if not task.cancelled():
            task.exception()


async def _awaited(compute: Callable[[], Awaitable[V]]) -> V:
    return await compute()
