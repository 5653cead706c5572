"""What needs no LLM: a prediction that is the ground truth in other spelling, or none at all.

Config key: `speciarl.judge.fast_path`.
"""

import re

from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.judge.wording import fold, is_abstention
from speciarl_verl.method.category import Category

# Not the A of A-10 or the An of An 124.
_ARTICLES = re.compile(r"\A\W*(?:(?:a|an|the)\s+)+(?=[^\W\d_])", re.IGNORECASE)


def decide(pair: Pair) -> Category | None:
    """`SPECIFIC` for equality up to case, accents' encoding, signs and a leading article; `ABSTAIN` for nothing or a
    listed refusal; None where somebody has to think."""
    if not pair.prediction.strip():
        return Category.ABSTAIN
    name = _name(pair.prediction)
    if name and name == _name(pair.ground_truth):
        return Category.SPECIFIC
    return Category.ABSTAIN if is_abstention(pair.prediction) else None


def _name(text: str) -> str:
    return fold(_ARTICLES.sub("", text))


class FastPathJudge:
    """Decides what it can and leaves the rest to another judge."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`."""
        category = decide(pair)
        return await self._judge.judge(pair) if category is None else Verdict(category, Source.FAST_PATH)

    async def check(self) -> None:
        """See `Judge.check`."""
        await self._judge.check()

    async def close(self) -> None:
        """See `Judge.close`."""
        await self._judge.close()
