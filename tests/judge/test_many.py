import asyncio

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.many import judge_all
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category


class SlowJudge:
    """Takes longer for earlier pairs; fails on the prediction `bad`, never ends on `stuck`."""

    def __init__(self):
        self.busy = self.busiest = self.cancelled = 0

    async def judge(self, pair):
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if pair.prediction == "stuck":
                await asyncio.Event().wait()
            await asyncio.sleep(0.01 / (1 + int(pair.ground_truth)))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.busy -= 1
        if pair.prediction == "bad":
            raise JudgeError("no verdict")
        return Verdict(Category(int(pair.ground_truth) % 6), Source.SERVER)


async def test_judge_all_keeps_the_order_and_overlaps():
    judge, seen = SlowJudge(), []
    pairs = [Pair("x", str(number)) for number in range(1200)]
    verdicts = await judge_all(judge, pairs, lambda number, verdict: seen.append((number, verdict)))
    assert [verdict.category for verdict in verdicts] == [Category(number % 6) for number in range(1200)]
    assert sorted(seen, key=lambda one: one[0]) == list(enumerate(verdicts))
    assert 1 < judge.busiest < 1200


async def test_judge_all_first_failure_ends_the_rest():
    judge = SlowJudge()
    pairs = [Pair("stuck", "1"), Pair("bad", "2"), Pair("stuck", "3")]
    with pytest.raises(JudgeError, match="no verdict"):
        await judge_all(judge, pairs)
    assert (judge.cancelled, judge.busy) == (2, 0)


async def test_judge_all_of_nothing_is_nothing():
    assert await judge_all(SlowJudge(), []) == []
