"""What the rollouts of one picture share in their worker: the picture's preparation, done once before anything is
generated, and what they leave behind, collected until the last is in so that it travels in one piece.

asyncio only: no verl, no torch. The worker opens it around a group (plugin/agent_loop_worker.py); the tasks of the
group's rollouts inherit it with their context, so that nobody has to look it up or to count who still needs it.
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


class Siblings:
    """What one group shares.

    Args:
        size: how many rollouts it has.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._left_behind: dict[int, Any] = {}
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

    def collect(self, number: int, item: Any) -> list[Any] | None:
        """Take in what rollout `number` leaves behind; the last gets the items of all, in the order of their numbers.

        None for those before it: a group of which a rollout failed never gets there, and so leaves nothing.

        Raises:
            ValueError: that rollout has left something before.
        """
        if number in self._left_behind:
            raise ValueError(f"two rollouts of one group have the number {number}")
        self._left_behind[number] = item
        if len(self._left_behind) < self._size:
            return None
        return [self._left_behind[number] for number in sorted(self._left_behind)]

    def close(self) -> None:
        """Let go of everything, and of work that nobody waits for any more."""
        for job in self._jobs.values():
            job.cancel()
        self._jobs.clear()
        self._features.clear()
        self._left_behind.clear()


_current: ContextVar[Siblings | None] = ContextVar("speciarl_siblings", default=None)


def current_siblings() -> Siblings | None:
    """Those of the calling task; None where nothing is shared."""
    return _current.get()


@contextmanager
def sharing(size: int) -> Iterator[None]:
    """All tasks created within the block are the rollouts of one group, which share until the block ends."""
    siblings = Siblings(size)
    token = _current.set(siblings)
    try:
        yield
    finally:
        _current.reset(token)
        siblings.close()
