"""Where the N rollouts of one image meet. asyncio only: no verl, no torch.

The rollouts of one `uid` run as tasks of one event loop. Each hands in what it came to as soon as it is judged and
waits; the last one in sets every reward. When one fails, is cancelled or hangs, the others get an exception, never a
reward: a group that is not whole has no best category that could be trusted.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from speciarl_verl.errors import GroupError, RuleError
from speciarl_verl.method.rules import GroupReward

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """What one rollout gets out of its group."""

    reward: float
    group: GroupReward


@dataclass
class _Group(Generic[T]):
    size: int
    result: "asyncio.Future[GroupReward]"
    handed_in: dict[int, T] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    left: int = 0


class Seat(Generic[T]):
    """One rollout's place in its group."""

    def __init__(self, meeting: "GroupMeeting[T]", uid: str, session_id: int) -> None:
        self._meeting = meeting
        self._uid = uid
        self._session_id = session_id

    async def hand_in(self, outcome: T) -> Share:
        """Give what this rollout came to and wait for the group's reward.

        Raises:
            GroupError: a sibling failed, or did not come in time.
            RuleError: the rule failed.
        """
        return await self._meeting._hand_in(self._uid, self._session_id, outcome)


class GroupMeeting(Generic[T]):
    """All groups in flight in one process.

    Args:
        rule: what the rollouts of a group came to, in the order of their session ids -> its rewards.
        timeout_s: how long a rollout that is judged waits for its siblings, in seconds.
    """

    def __init__(self, rule: Callable[[Sequence[T]], GroupReward], timeout_s: float) -> None:
        self._rule = rule
        self._timeout_s = timeout_s
        self._groups: dict[str, _Group[T]] = {}

    def __len__(self) -> int:
        """How many groups are in flight."""
        return len(self._groups)

    @asynccontextmanager
    async def seat(self, uid: str, session_id: int, size: int) -> AsyncIterator[Seat[T]]:
        """Hold the place of one rollout while it is generated and judged.

        Leaving the block without having handed in releases the siblings with a `GroupError`.

        Raises:
            GroupError: two rollouts have the same session id, or disagree on the group's size, or the id is outside it.
        """
        group = self._join(uid, session_id, size)
        try:
            yield Seat(self, uid, session_id)
        except BaseException as error:
            if session_id not in group.handed_in:
                self._fail(group, f"group {uid}: rollout {session_id} ended with {error!r}")
            raise
        finally:
            if session_id not in group.handed_in:
                self._fail(group, f"group {uid}: rollout {session_id} left without an outcome")
            group.left += 1
            # A failed group stays until its last member has come and gone, so that a late one does not wait alone.
            if group.left == group.size:
                self._groups.pop(uid, None)

    def _join(self, uid: str, session_id: int, size: int) -> _Group[T]:
        group = self._groups.get(uid)
        if group is None:
            group = _Group(size=size, result=asyncio.get_running_loop().create_future())
            # Nobody may be waiting when a group fails; asyncio would log that as an exception never retrieved.
            group.result.add_done_callback(lambda future: future.cancelled() or future.exception())
            self._groups[uid] = group
        if size != group.size:
            raise GroupError(f"group {uid}: rollout {session_id} expects {size} rollouts, its siblings {group.size}")
        if not 0 <= session_id < size:
            raise GroupError(f"group {uid}: session id {session_id} is outside a group of {size}")
        if session_id in group.members:
            raise GroupError(f"group {uid}: two rollouts have the session id {session_id}")
        group.members.add(session_id)
        return group

    async def _hand_in(self, uid: str, session_id: int, outcome: T) -> Share:
        group = self._groups[uid]
        group.handed_in[session_id] = outcome
        if len(group.handed_in) == group.size and not group.result.done():
            try:
                group.result.set_result(self._rule([group.handed_in[i] for i in range(group.size)]))
            except RuleError as error:
                group.result.set_exception(error)
            except Exception as error:
                group.result.set_exception(RuleError(f"group {uid}: the reward rule failed with {error!r}."))
        try:
            result = await asyncio.wait_for(asyncio.shield(group.result), self._timeout_s)
        except asyncio.TimeoutError:
            missing = sorted(set(range(group.size)) - group.handed_in.keys())
            self._fail(group, f"group {uid}: rollouts {missing} did not end within {self._timeout_s:g} s of a sibling")
            result = await group.result
        return Share(reward=result.rewards[session_id], group=result)

    @staticmethod
    def _fail(group: _Group[T], reason: str) -> None:
        if not group.result.done():
            group.result.set_exception(GroupError(reason))
