"""Many pairs, one judge: as many at once as it takes, in order, all or none."""

import asyncio
from collections.abc import Callable, Sequence

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from speciarl_verl.judge.protocol import Judge, Pair, Verdict

_AT_ONCE = 512
"""Pairs asked at once: more than any judge sends, since those that wait for an equal one cost nothing."""


OnVerdict = Callable[[int, Verdict], object]
"""Called after each verdict with the number of its pair."""


async def judge_with_progress(
    judge: Judge, pairs: Sequence[Pair], on_verdict: OnVerdict | None = None, done: int = 0
) -> list[Verdict]:
    """Prove that the judge answers, judge the pairs under a progress bar (on a terminal's stderr), and close it.

    Args:
        done: verdicts that are there already, for the bar.

    Raises:
        JudgeError: the judge does not answer, or failed on a pair.
    """
    try:
        await judge.check()
        total = done + len(pairs)
        with logging_redirect_tqdm(), tqdm(total=total, initial=done, unit="pair", disable=None) as bar:

            def progress(number: int, verdict: Verdict) -> None:
                if on_verdict is not None:
                    on_verdict(number, verdict)
                bar.update()

            return await judge_all(judge, pairs, progress)
    finally:
        await judge.close()


async def judge_all(judge: Judge, pairs: Sequence[Pair], on_verdict: OnVerdict | None = None) -> list[Verdict]:
    """Judge all the pairs; the verdicts come in their order.

    Raises:
        JudgeError: the first failure; what was not decided by then is given up.
    """
    verdicts: dict[int, Verdict] = {}
    waiting = iter(enumerate(pairs))

    async def work() -> None:
        for number, pair in waiting:
            verdicts[number] = await judge.judge(pair)
            if on_verdict is not None:
                on_verdict(number, verdicts[number])

    workers = [asyncio.ensure_future(work()) for _ in range(min(_AT_ONCE, len(pairs)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [verdicts[number] for number in range(len(pairs))]
