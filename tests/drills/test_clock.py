"""A wall clock that jumps an hour while something waits: what waits goes by the other clock."""

import asyncio
import datetime as clock
import time
from collections.abc import Callable
from typing import Any

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.llm.llm_judge import ServerJudge
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.method.category import Category
from speciarl_verl.method.rules import group_reward
from speciarl_verl.rollout.meeting import GroupMeeting
from speciarl_verl.server_client import retry
from tests.judge.fake_server import FakeServer

pytestmark = pytest.mark.drill

HOUR_S = 3600
ROBIN = Pair(prediction="bird", ground_truth="robin")


@pytest.fixture(params=[HOUR_S, -HOUR_S], ids=["forward", "back"])
def jumped(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to have the clock jump."""

    def jump() -> None:
        real_time = time.time
        monkeypatch.setattr(time, "time", lambda: real_time() + request.param)

        class Jumped(clock.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> "clock.datetime":
                return clock.datetime.now(tz) + clock.timedelta(seconds=request.param)

        monkeypatch.setattr(retry, "datetime", Jumped)

    return jump


async def test_judge_that_asked_to_wait_until_a_moment(
    fake: FakeServer, make_judge: Callable[..., ServerJudge], jumped: Callable[[], None]
) -> None:
    """The server's moment is an hour ago, or an hour away: tried again, or given up within the budget."""
    moment = (clock.datetime.now(clock.timezone.utc) + clock.timedelta(seconds=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    fake.script.append(fake.reply(503, b"busy", Retry_After=moment))
    judge = make_judge(fast_path=False, budget_s=5)
    jumped()
    started = time.monotonic()
    (outcome,) = await asyncio.gather(judge.judge(ROBIN), return_exceptions=True)
    assert isinstance(outcome, JudgeError) or outcome.category is Category.SPECIFIC
    assert time.monotonic() - started < 5 + 60


async def test_breaker_and_timeouts_of_the_judge(
    fake: FakeServer, make_judge: Callable[..., ServerJudge], jumped: Callable[[], None]
) -> None:
    fake.script.extend([fake.reply(500, b"oops")] * 3)
    judge = make_judge(fast_path=False)
    jumped()
    assert (await judge.judge(ROBIN)).category is Category.SPECIFIC
    assert len(fake.chats) == 4


async def test_group_waits_for_its_siblings_all_the_same(jumped: Callable[[], None]) -> None:
    meeting: GroupMeeting[Category] = GroupMeeting(lambda outcomes: group_reward(outcomes), timeout_s=30)

    async def rollout(number: int) -> float:
        async with meeting.seat("uid", number, 2) as seat:
            if number == 1:
                await asyncio.sleep(0.2)
            return (await seat.hand_in(Category.SPECIFIC)).reward

    first = asyncio.create_task(rollout(0))
    await asyncio.sleep(0)
    jumped()
    assert await asyncio.gather(first, rollout(1)) == [1.0, 1.0]
    assert len(meeting) == 0
