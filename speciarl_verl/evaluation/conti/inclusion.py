"""LI: an LLM says whether a prediction includes the label, yes or no."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from speciarl_verl.errors import JudgeError
from speciarl_verl.evaluation.conti.absent import AbsentModelError
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig, VotesConfig
from speciarl_verl.judge.protocol import Judge, Pair
from speciarl_verl.method.category import Category

RUBRIC = "inclusion"
"""The shipped rubric, whose menu is yes (S) and no (W)."""


class InclusionJudge(Protocol):
    """Says yes or no; called concurrently, on one event loop."""

    async def includes(self, prediction: str, ground_truth: str) -> bool:
        """Whether the prediction describes the ground truth, or names it or a synonym of it.

        Raises:
            JudgeError: there is no answer.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class JudgedInclusion:
    """A judge that is asked with the rubric `inclusion`."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def includes(self, prediction: str, ground_truth: str) -> bool:
        """See `InclusionJudge`."""
        verdict = await self._judge.judge(Pair(prediction=prediction, ground_truth=ground_truth))
        return verdict.category is Category.SPECIFIC

    async def close(self) -> None:
        """See `InclusionJudge`."""
        await self._judge.close()


def load_inclusion(config: ServerJudgeConfig) -> InclusionJudge:
    """The LLM of a configured judge, asked with the rubric `inclusion`, once a pair. Nothing is sent yet.

    Raises:
        AbsentModelError: the configuration misses something, or the key cannot be read.
    """
    try:
        return JudgedInclusion(build_judge(config.model_copy(update={"prompt": RUBRIC, "votes": VotesConfig()})))
    except JudgeError as error:
        raise AbsentModelError(f"llama inclusion: {error}") from error


async def judge_inclusions(inclusion: InclusionJudge, pairs: Sequence[Pair]) -> list[bool]:
    """Ask about all pairs at once, in order; the judge bounds how many are in flight. Closes the judge.

    Raises:
        JudgeError: one of them got no answer; the others are given up.
    """
    asked = [asyncio.ensure_future(inclusion.includes(pair.prediction, pair.ground_truth)) for pair in pairs]
    try:
        return list(await asyncio.gather(*asked))
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await inclusion.close()
