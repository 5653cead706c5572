"""A second opinion on a seeded sample of a judge's verdicts, while it judges: counted, and never a reward.

Each verdict of the LLM is drawn with probability `share` by a hash of its rollout. The second
opinion is asked beside the training: nobody waits for it, and its failure is a number in the account.

Config keys: `speciarl.judge.audit.*`.
"""

import asyncio
import logging

from speciarl_verl.draw import rank
from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.judge_config import AuditConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict

logger = logging.getLogger(__name__)

_ASKED = frozenset({Source.SERVER, Source.CACHE, Source.COALESCED})
"""What no rule decided."""


class Auditor:
    """Asks another judge again.

    Args:
        judge: who gives the second opinion.
        ledger: where the opinions are counted; what asking them cost is not.
        seed: of the draw.
    """

    def __init__(self, judge: Judge, config: AuditConfig, ledger: Ledger, seed: int) -> None:
        self._judge = judge
        self._config = config
        self._ledger = ledger
        self._seed = seed
        self._step = -1
        self._taken = 0
        self._asking: set[asyncio.Task[None]] = set()
        ledger.audit_tolerance = config.tolerance

    def consider(self, pair: Pair, verdict: Verdict, step: int, *names: str) -> None:
        """Ask for a second opinion, or not; returns at once.

        Args:
            step: of the training; at most `most` of its verdicts are drawn.
            names: of the rollout, the same in every run.
        """
        if verdict.source not in _ASKED:
            return
        if step != self._step:
            self._step, self._taken = step, 0
        drawn = int.from_bytes(rank(self._seed, "audit", *names)[:8], "big") / 2**64 < self._config.share
        if not drawn or self._taken >= self._config.most:
            return
        self._taken += 1
        task = asyncio.ensure_future(self._ask(pair, verdict))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def check(self) -> None:
        """Prove before training that the second opinion can be had; see `Judge.check`.

        Raises:
            JudgeError: it cannot.
        """
        try:
            await self._judge.check()
        except JudgeError as error:
            raise JudgeError(f"speciarl.judge.audit: {error}") from error
        finally:
            await self._judge.close()

    async def settled(self) -> None:
        """Wait for the opinions that are under way."""
        await asyncio.gather(*self._asking)

    async def _ask(self, pair: Pair, verdict: Verdict) -> None:
        try:
            second = await self._judge.judge(pair)
        except JudgeError as error:
            if not self._ledger.audit_failed:
                logger.warning("the judge's audit failed, and the training goes on without it: %s", error)
            self._ledger.audit_failed += 1
            return
        self._ledger.audited[verdict.category, second.category] += 1
