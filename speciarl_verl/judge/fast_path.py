"""What needs no LLM: a prediction that is the ground truth in other spelling, or none at all.

A share of it can be asked all the same, beside the training: these are pairs whose verdict is known, and a judge that
agrees less and less with them is not the one that the run began with.

Config keys: `speciarl.judge.fast_path`, `speciarl.judge.fast_path_probe`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.ledger import Ledger
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


class Probe:
    """Asks the judge about a share of what the fast path decided; nobody waits for it, and it changes no verdict.

    Args:
        ask: the judge's category of a pair, past its cache.
        share: in (0, 1]; every 1 / share-th decision is asked.
        ledger: where agreement is counted; a question that fails counts nowhere, as the next real one tells.
    """

    def __init__(self, ask: Callable[[Pair], Awaitable[Category]], share: float, ledger: Ledger) -> None:
        self._ask = ask
        self._every = max(1, round(1 / share))
        self._ledger = ledger
        self._seen = 0
        self._asking: set[asyncio.Task[None]] = set()

    def consider(self, pair: Pair, category: Category) -> None:
        """Ask, or not; returns at once."""
        self._seen += 1
        # An empty answer is no question.
        if self._seen % self._every or not pair.prediction.strip():
            return
        task = asyncio.ensure_future(self._compare(pair, category))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def settled(self) -> None:
        """Wait for the questions that are under way."""
        await asyncio.gather(*self._asking)

    def close(self) -> None:
        """Give them up."""
        for task in self._asking:
            task.cancel()

    async def _compare(self, pair: Pair, category: Category) -> None:
        with suppress(JudgeError):
            agrees = await self._ask(pair) is category
            self._ledger.probed += 1
            self._ledger.probe_agreed += agrees


class FastPathJudge:
    """Decides what it can and leaves the rest to another judge."""

    def __init__(self, judge: Judge, probe: Probe | None = None) -> None:
        self._judge = judge
        self._probe = probe

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`."""
        category = decide(pair)
        if category is None:
            return await self._judge.judge(pair)
        if self._probe is not None:
            self._probe.consider(pair, category)
        return Verdict(category, Source.FAST_PATH)

    async def check(self) -> None:
        """See `Judge.check`."""
        await self._judge.check()

    async def close(self) -> None:
        """See `Judge.close`."""
        if self._probe is not None:
            self._probe.close()
        await self._judge.close()
