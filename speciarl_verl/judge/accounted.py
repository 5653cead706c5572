"""Counts what becomes of every pair."""

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Judge, Pair, Verdict


class AccountedJudge:
    """Writes each verdict of another judge, and each failure, into a ledger. A cancelled question counts nowhere."""

    def __init__(self, judge: Judge, ledger: Ledger) -> None:
        self._judge = judge
        self._ledger = ledger

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`."""
        try:
            verdict = await self._judge.judge(pair)
        except JudgeError:
            self._ledger.failed += 1
            raise
        self._ledger.decided[verdict.source] += 1
        if verdict.agreement is not None:
            self._ledger.votes += 1
            self._ledger.agreement += verdict.agreement
        return verdict

    async def check(self) -> None:
        """See `Judge.check`; its pair is not counted."""
        await self._judge.check()

    async def close(self) -> None:
        """See `Judge.close`."""
        await self._judge.close()
