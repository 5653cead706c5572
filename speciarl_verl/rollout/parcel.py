"""What the rollouts of one group leave behind, collected until the last is in, so that it travels in one piece.

asyncio only: no verl, no torch. The worker opens a parcel around a group, as it does a preparation (preparation.py). A
group of which a rollout failed never fills its parcel, and so leaves nothing behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Parcel:
    """The collected items of one group.

    Args:
        size: how many rollouts the group has.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: dict[int, Any] = {}

    def add(self, number: int, item: Any) -> list[Any] | None:
        """Put in what rollout `number` leaves; all items in the order of their numbers when it is the last, else None.

        Raises:
            ValueError: that rollout has put something in before.
        """
        if number in self._items:
            raise ValueError(f"two rollouts of one group have the number {number}")
        self._items[number] = item
        if len(self._items) < self._size:
            return None
        return [self._items[number] for number in sorted(self._items)]


_current: ContextVar[Parcel | None] = ContextVar("speciarl_parcel", default=None)


def current_parcel() -> Parcel | None:
    """The parcel of the group that the calling task belongs to; None where each rollout travels alone."""
    return _current.get()


@contextmanager
def shared_parcel(size: int) -> Iterator[None]:
    """All tasks created within the block share one parcel."""
    token = _current.set(Parcel(size))
    try:
        yield
    finally:
        _current.reset(token)
