"""Many pairs, one judge: as many at once as it takes, in order, all or none."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from speciarl_verl.judge.protocol import Judge, Pair, Verdict

T = TypeVar("T")

_AT_ONCE = 512
"""Pairs asked at once: more than any judge sends, since those that wait for an equal one cost nothing."""


OnVerdict = Callable[[int, Verdict], object]
"""Called after each verdict with the number of its pair."""


def judge_pairs(pairs: Sequence[Pair], judge: Judge) -> list[Verdict]:
    """Have a judge prove that it answers, judge all the pairs and close its connections; also in a notebook.

    >>> pairs = [Pair("crow", "American Crow"), Pair("none", "American Crow"), Pair("poodle", "American Crow")]
    >>> [verdict.category.symbol for verdict in judge_pairs(pairs, build_judge(TaxonomyJudgeConfig()))]
    ['S-', 'A', 'W']

    Returns:
        The verdicts in the order of the pairs.

    Raises:
        JudgeError: the judge does not answer, or failed on a pair.
    """
    return outside_loop(lambda: asyncio.run(judge_with_progress(judge, pairs)))


def outside_loop(work: Callable[[], T]) -> T:
    """Do what starts an event loop of its own: in another thread where one is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


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
        with _bar(done + len(pairs), done) as update:

            def progress(number: int, verdict: Verdict) -> None:
                if on_verdict is not None:
                    on_verdict(number, verdict)
                update()

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


@contextmanager
def _bar(total: int, done: int) -> Iterator[Callable[[], object]]:
    if total == 1:
        yield lambda: None
        return
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with logging_redirect_tqdm(), tqdm(total=total, initial=done, unit="pair", disable=None) as bar:
        yield bar.update
