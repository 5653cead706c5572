import asyncio

import pytest

from speciarl_verl.evaluation.inclusion import JudgedInclusion, judge_inclusions
from speciarl_verl.judge.protocol import JudgeError, Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge


class Answers:
    """Says yes where the prediction is listed, after a turn of the loop; fails where it is `broken`."""

    def __init__(self, included=()):
        self.included = included
        self.asked, self.cancelled, self.closed = [], 0, 0

    async def includes(self, prediction, ground_truth):
        self.asked.append((prediction, ground_truth))
        if prediction == "broken":
            raise JudgeError("judge server http://x: gone")
        try:
            await asyncio.sleep(3600 if prediction == "slow" else 0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return prediction in self.included

    async def close(self):
        self.closed += 1


def pairs(*predictions):
    return [Pair(prediction=prediction, ground_truth="robin") for prediction in predictions]


async def test_judge_inclusions_answers_in_order_and_closes():
    answers = Answers({"b", "d"})
    assert await judge_inclusions(answers, pairs("a", "b", "c", "d")) == [False, True, False, True]
    assert (len(answers.asked), answers.closed) == (4, 1)


async def test_judge_inclusions_of_nothing_closes():
    answers = Answers()
    assert await judge_inclusions(answers, []) == []
    assert answers.closed == 1


async def test_judge_inclusions_one_error_gives_the_others_up_and_closes():
    answers = Answers()
    with pytest.raises(JudgeError, match="gone"):
        await judge_inclusions(answers, pairs("slow", "broken", "slow"))
    assert (answers.cancelled, answers.closed) == (2, 1)


async def test_judged_inclusion_is_yes_for_the_same_thing_only():
    inclusion = JudgedInclusion(TaxonomyJudge.shipped("cub"))
    asked = [
        await inclusion.includes(prediction, "Blue Jay") for prediction in ("blue jays", "Blue Jay", "bird", "none")
    ]
    await inclusion.close()
    assert asked == [False, True, False, False]
