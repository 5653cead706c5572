import asyncio

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.build import build_judge, check_judge
from speciarl_verl.judge.judge_config import HostedJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.many import judge_all, judge_pairs, judge_with_progress, outside_loop
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


class Told:
    """Says what it was told to do; does not answer where it is `gone`."""

    def __init__(self, gone=False):
        self.gone, self.told = gone, []

    async def judge(self, pair):
        self.told.append(pair.prediction)
        return Verdict(Category.GENERIC, Source.SERVER)

    async def check(self):
        self.told.append("check")
        if self.gone:
            raise JudgeError("gone")

    async def close(self):
        self.told.append("close")


@pytest.mark.parametrize("count", [0, 1, 2])
async def test_judge_with_progress_checks_first_and_closes_last(count):
    judge, seen = Told(), []
    pairs = [Pair(f"p{number}", "x") for number in range(count)]
    verdicts = await judge_with_progress(judge, pairs, lambda number, verdict: seen.append(number), done=3)
    assert judge.told == ["check", *(pair.prediction for pair in pairs), "close"]
    assert (len(verdicts), seen) == (count, list(range(count)))


async def test_judge_with_progress_judge_that_does_not_answer_is_asked_nothing_and_closed():
    judge = Told(gone=True)
    with pytest.raises(JudgeError, match="gone"):
        await judge_with_progress(judge, [Pair("p", "x")])
    assert judge.told == ["check", "close"]


def test_judge_pairs_without_a_loop():
    judge = Told()
    assert [verdict.category for verdict in judge_pairs([Pair("p", "x")], judge)] == [Category.GENERIC]
    assert judge.told == ["check", "p", "close"]


async def test_judge_pairs_inside_a_loop_as_in_a_notebook():
    assert len(judge_pairs([Pair("p", "x"), Pair("q", "x")], Told())) == 2
    assert outside_loop(lambda: 7) == 7


async def test_check_judge_closes_whatever_came_of_it(monkeypatch):
    for gone in (False, True):
        judge = Told(gone)
        monkeypatch.setattr("speciarl_verl.judge.build.build_judge", lambda config, judge=judge: judge)
        if gone:
            with pytest.raises(JudgeError, match="gone"):
                await check_judge(TaxonomyJudgeConfig())
        else:
            await check_judge(TaxonomyJudgeConfig())
        assert judge.told == ["check", "close"]


def test_build_judge_hosted_has_no_address_here():
    with pytest.raises(JudgeError, match="agent_loop_manager_class"):
        build_judge(HostedJudgeConfig())
