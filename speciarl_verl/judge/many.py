"""Many pairs, one judge: as many at once as it takes, in order, all or none."""

import asyncio
from collections.abc import Callable, Sequence

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import JudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.protocol import Judge, Pair, Verdict

_AT_ONCE = 512
"""Pairs asked at once: more than any judge sends, since those that wait for an equal one cost nothing."""


async def judge_with_progress(config: JudgeConfig, pairs: Sequence[Pair], ledger: Ledger) -> list[Verdict]:
    """Make the judge, prove that it answers, and judge the pairs under a progress bar (on a terminal's stderr).

    Args:
        ledger: what it cost is counted there, as far as it came.

    Raises:
        JudgeError: the judge cannot be made, does not answer, or failed on a pair.
    """
    judge = build_judge(config, ledger)
    try:
        await judge.check()
        with logging_redirect_tqdm(), tqdm(total=len(pairs), unit="pair", disable=None) as bar:
            return await judge_all(judge, pairs, bar.update)
    finally:
        await judge.close()


async def judge_all(judge: Judge, pairs: Sequence[Pair], on_verdict: Callable[[], object]) -> list[Verdict]:
    """Judge all the pairs; the verdicts come in their order.

    Args:
        on_verdict: called after each one.

    Raises:
        JudgeError: the first failure; what was not decided by then is given up.
    """
    verdicts: dict[int, Verdict] = {}
    waiting = iter(enumerate(pairs))

    async def work() -> None:
        for number, pair in waiting:
            verdicts[number] = await judge.judge(pair)
            on_verdict()

    workers = [asyncio.ensure_future(work()) for _ in range(min(_AT_ONCE, len(pairs)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [verdicts[number] for number in range(len(pairs))]
