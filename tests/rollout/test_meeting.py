"""Where siblings meet: rewards when all came, an exception for all when one does not; nobody parked for good."""

import asyncio
import random
from collections.abc import Sequence
from functools import partial

import pytest

from speciarl_verl.errors import GroupError, RuleError
from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import GroupReward, group_reward
from speciarl_verl.rollout.meeting import GroupMeeting, Share

Meeting = GroupMeeting[Category | None]
S, G, W = Category.SPECIFIC, Category.GENERIC, Category.WRONG


@pytest.fixture
def meeting() -> Meeting:
    return GroupMeeting(group_reward, timeout_s=60)


async def rollout(
    meeting: Meeting,
    session_id: int,
    category: Category | None,
    size: int,
    uid: str = "u",
    delay: float = 0,
) -> Share:
    async with meeting.seat(uid, session_id, size) as seat:
        await asyncio.sleep(delay)
        return await seat.hand_in(category)


async def test_group_rewards_by_session_id_whatever_the_order_of_arrival(
    meeting: Meeting,
) -> None:
    delays = [0.03, 0.0, 0.02, 0.01]
    shares = await asyncio.gather(
        *(rollout(meeting, i, c, 4, delay=d) for i, (c, d) in enumerate(zip([S, G, W, None], delays, strict=True)))
    )
    assert [share.reward for share in shares] == [1.0, 0.0, 0.0, -1.0]
    assert all(share.group.best is S and share.group.reference is S for share in shares)
    assert len(meeting) == 0


async def test_many_groups_interleaved_keep_apart(meeting: Meeting) -> None:
    rng = random.Random(0)
    groups = {f"u{g}": [rng.choice([*Category, None]) for _ in range(5)] for g in range(200)}
    jobs = [(uid, i, c) for uid, cs in groups.items() for i, c in enumerate(cs)]
    rng.shuffle(jobs)
    shares = await asyncio.gather(*(rollout(meeting, i, c, 5, uid, rng.random() / 100) for uid, i, c in jobs))
    got = {(uid, i): share.reward for (uid, i, _), share in zip(jobs, shares, strict=True)}
    assert got == {(uid, i): r for uid, cs in groups.items() for i, r in enumerate(group_reward(cs).rewards)}
    assert len(meeting) == 0


async def test_failing_sibling_releases_the_others_with_its_reason(meeting: Meeting) -> None:
    async def failing() -> None:
        async with meeting.seat("u", 1, 3):
            await asyncio.sleep(0.01)
            raise RuntimeError("engine died")

    results = await asyncio.gather(
        rollout(meeting, 0, S, 3), failing(), rollout(meeting, 2, G, 3, delay=0.02), return_exceptions=True
    )
    assert isinstance(results[0], GroupError)
    assert "rollout 1 ended with RuntimeError('engine died')" in str(results[0])
    assert isinstance(results[1], RuntimeError)
    assert isinstance(results[2], GroupError)
    assert len(meeting) == 0


async def test_cancelled_sibling_releases_the_others(meeting: Meeting) -> None:
    waiting = asyncio.create_task(rollout(meeting, 0, S, 2))
    doomed = asyncio.create_task(rollout(meeting, 1, S, 2, delay=60))
    await asyncio.sleep(0.01)
    doomed.cancel()
    with pytest.raises(GroupError, match="rollout 1 ended with CancelledError"):
        await asyncio.wait_for(waiting, 60)


async def test_cancelled_waiter_leaves_the_others_their_reward(meeting: Meeting) -> None:
    gone = asyncio.create_task(rollout(meeting, 0, S, 3))
    waiting = asyncio.create_task(rollout(meeting, 1, G, 3))
    await asyncio.sleep(0.01)
    gone.cancel()
    last = await rollout(meeting, 2, W, 3)
    assert (await waiting).reward == 0.0
    assert last.group.best is S


async def test_hanging_sibling_times_out_and_is_named() -> None:
    meeting = GroupMeeting(group_reward, timeout_s=0.05)
    hanging = asyncio.create_task(rollout(meeting, 2, S, 3, delay=60))
    results = await asyncio.gather(rollout(meeting, 0, S, 3), rollout(meeting, 1, S, 3), return_exceptions=True)
    assert all("rollouts [2] did not end within 0.05 s" in str(result) for result in results)
    hanging.cancel()


async def test_sibling_that_never_came_times_out() -> None:
    meeting = GroupMeeting(group_reward, timeout_s=0.05)
    with pytest.raises(GroupError, match=r"rollouts \[1\] did not end"):
        await rollout(meeting, 0, S, 2)


async def test_late_sibling_of_a_failed_group_fails_at_once(meeting: Meeting) -> None:
    with pytest.raises(RuntimeError, match="early"):
        async with meeting.seat("u", 0, 2):
            raise RuntimeError("early")
    with pytest.raises(GroupError, match="rollout 0 ended"):
        await asyncio.wait_for(rollout(meeting, 1, S, 2), 60)
    assert len(meeting) == 0


async def test_leaving_without_an_outcome_is_a_failure(meeting: Meeting) -> None:
    waiting = asyncio.create_task(rollout(meeting, 0, S, 2))
    await asyncio.sleep(0)
    async with meeting.seat("u", 1, 2):
        pass
    with pytest.raises(GroupError, match="rollout 1 left without an outcome"):
        await waiting


@pytest.mark.parametrize(
    ("session_id", "size", "message"),
    [
        pytest.param(0, 3, "two rollouts have the session id 0", id="duplicate session id"),
        pytest.param(1, 4, "expects 4 rollouts, its siblings 3", id="sizes disagree"),
        pytest.param(3, 3, "session id 3 is outside a group of 3", id="session id too high"),
        pytest.param(-1, 3, "session id -1 is outside a group of 3", id="session id negative"),
    ],
)
async def test_impossible_sibling_is_refused_and_the_group_goes_on(
    meeting: Meeting, session_id: int, size: int, message: str
) -> None:
    first = asyncio.create_task(rollout(meeting, 0, S, 3, delay=0.02))
    await asyncio.sleep(0)
    with pytest.raises(GroupError, match=message):
        await rollout(meeting, session_id, G, size)
    rest = [rollout(meeting, i, G, 3) for i in (1, 2)]
    assert [share.reward for share in await asyncio.gather(first, *rest)] == [1.0, 0.0, 0.0]


async def test_failing_rule_reaches_every_sibling_as_what_ends_the_run() -> None:
    meeting = GroupMeeting(partial(group_reward, rule="no such rule"), timeout_s=60)  # type: ignore[arg-type]
    results = await asyncio.gather(*(rollout(meeting, i, S, 2) for i in range(2)), return_exceptions=True)
    assert all(isinstance(result, RuleError) for result in results)
    assert all("the reward rule failed with KeyError" in str(result) for result in results)


async def test_rules_own_error_reaches_every_sibling_as_it_is() -> None:
    def broken(_categories: Sequence[Category | None]) -> GroupReward:
        raise RuleError("3 rewards for 2 rollouts")

    meeting = GroupMeeting(broken, timeout_s=60)
    results = await asyncio.gather(*(rollout(meeting, i, S, 2) for i in range(2)), return_exceptions=True)
    assert [str(result) for result in results] == ["3 rewards for 2 rollouts"] * 2
