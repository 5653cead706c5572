"""LI: an LLM says whether a prediction includes the label, yes or no."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from speciarl_verl.category import Category
from speciarl_verl.judge.protocol import Judge, Pair

RUBRIC = "inclusion"
"""The shipped rubric that a judge is configured with (`speciarl.judge.prompt`) to serve as an `InclusionJudge`."""


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
    """A judge with the rubric `inclusion`, whose menu is yes (S) and no (W)."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def includes(self, prediction: str, ground_truth: str) -> bool:
        """See `InclusionJudge`."""
        verdict = await self._judge.judge(Pair(prediction=prediction, ground_truth=ground_truth))
        return verdict.category is Category.SPECIFIC

    async def close(self) -> None:
        """See `InclusionJudge`."""
        await self._judge.close()


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
