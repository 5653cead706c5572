"""Categories of responses by the offline judge, each pair of response and label judged once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from speciarl_verl.judge.response import judge_response
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category


class Scorer:
    """Judges with the taxonomy of the study; a response without an answer is wrong."""

    def __init__(self, taxonomy: Path) -> None:
        self._judge = TaxonomyJudge.from_file(taxonomy)
        self._known: dict[tuple[str, str], Category] = {}

    def categories(self, responses: Sequence[str], labels: Sequence[str]) -> list[Category]:
        """One category a response.

        Raises:
            JudgeError: a label that the taxonomy does not have.
        """
        return asyncio.run(self._all(responses, labels))

    async def _all(self, responses: Sequence[str], labels: Sequence[str]) -> list[Category]:
        return [await self._one(response, label) for response, label in zip(responses, labels, strict=True)]

    async def _one(self, response: str, label: str) -> Category:
        known = self._known.get((response, label))
        if known is None:
            judged = await judge_response(response, label, self._judge)
            known = Category.WRONG if judged.category is None else judged.category
            self._known[response, label] = known
        return known
