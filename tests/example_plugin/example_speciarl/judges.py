"""A judge that compares words: `speciarl.judge.factory=example_speciarl.judges:make_judge`."""

from collections.abc import Mapping
from typing import Any

from speciarl_verl import Category, Judge, Pair, Source, Verdict


class WordJudge:
    """The label's words: specific; some of them: less specific; one of the broad words: generic; else wrong."""

    def __init__(self, broad: list[str]) -> None:
        self._broad = {word.lower() for word in broad}

    async def judge(self, pair: Pair) -> Verdict:
        """Compare one pair. Raise `JudgeError` where no verdict can be had: it ends the run and is never a reward."""
        said, true = set(pair.prediction.lower().split()), set(pair.ground_truth.lower().split())
        if said == true:
            category = Category.SPECIFIC
        elif said < true:
            category = Category.LESS_SPECIFIC
        else:
            category = Category.GENERIC if said & self._broad else Category.WRONG
        return Verdict(category, Source.CUSTOM)

    async def check(self) -> None:
        """Called before anything starts: here one would ask one's server for a first verdict."""

    async def close(self) -> None:
        """Release what is held open."""


def make_judge(options: Mapping[str, Any]) -> Judge:
    """Make the judge from `speciarl.judge.options`."""
    return WordJudge(broad=list(options.get("broad", ["bird"])))
