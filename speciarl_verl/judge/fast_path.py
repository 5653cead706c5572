"""What needs no LLM: a prediction that is the ground truth in other spelling, or none at all.

Config key: `speciarl.judge.fast_path`.
"""

from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.judge.wording import is_abstention, same_name
from speciarl_verl.method.category import Category


def decide(pair: Pair) -> Category | None:
    """`SPECIFIC` for equality up to case, accents, signs and a leading article; `ABSTAIN` for nothing or a listed
    refusal; None where somebody has to think."""
    if not pair.prediction.strip():
        return Category.ABSTAIN
    if same_name(pair.prediction, pair.ground_truth):
        return Category.SPECIFIC
    return Category.ABSTAIN if is_abstention(pair.prediction) else None


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
