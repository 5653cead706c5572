"""What the rollouts of one picture have in common before anything is generated: done once, kept while the group runs.

asyncio only: no verl, no torch. The worker opens a preparation around a group (plugin/agent_loop_worker.py); the tasks
of the group's rollouts inherit it with their context, so that nobody has to look it up or to count who still needs it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class SameObjects:
    """A key for caches: equal only where each object is the very same, which the key keeps alive."""

    objects: tuple[object, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SameObjects) or len(self.objects) != len(other.objects):
            return False
        return all(mine is its for mine, its in zip(self.objects, other.objects, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.objects)))


class Preparation:
    """The shared work of one group."""

    def __init__(self) -> None:
        self._jobs: dict[SameObjects, asyncio.Future[Any]] = {}
        self._features: dict[SameObjects, Mapping[str, Any]] = {}

    async def once(self, inputs: Sequence[object], work: Callable[[], Awaitable[T]]) -> T:
        """The result of `work`, which only the first caller with the very same `inputs` starts.

        A caller that is cancelled leaves the work to the others; where it fails, it fails for all.
        """
        key = SameObjects(tuple(inputs))
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = asyncio.ensure_future(work())
            # Nobody may be waiting when it fails; asyncio would log that as an exception never retrieved.
            job.add_done_callback(lambda done: done.cancelled() or done.exception())
        result: T = await asyncio.shield(job)
        return result

    def keep_features(self, pictures: Sequence[object], features: Mapping[str, Any]) -> None:
        """Remember what the processor made of `pictures`."""
        self._features[SameObjects(tuple(pictures))] = features

    def features_of(self, pictures: Sequence[object]) -> Mapping[str, Any] | None:
        """What the processor made of these very `pictures`; None when it has not seen them."""
        return self._features.get(SameObjects(tuple(pictures)))

    def close(self) -> None:
        """Let go of everything, and of work that nobody waits for any more."""
        for job in self._jobs.values():
            job.cancel()
        self._jobs.clear()
        self._features.clear()


_current: ContextVar[Preparation | None] = ContextVar("speciarl_preparation", default=None)


def current_preparation() -> Preparation | None:
    """The preparation of the group that the calling task belongs to; None where nothing is shared."""
    return _current.get()


@contextmanager
def shared_preparation() -> Iterator[None]:
    """All tasks created within the block share one preparation, which ends with the block."""
    preparation = Preparation()
    token = _current.set(preparation)
    try:
        yield
    finally:
        _current.reset(token)
        preparation.close()
