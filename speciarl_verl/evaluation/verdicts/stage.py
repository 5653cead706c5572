"""The stage `judge`: predictions through extraction and a judge into `verdicts.jsonl`.

Failed and unparseable samples need no judge. A judge that gives no verdict ends the stage with its own message; the
verdicts so far are kept, and the same command goes on from there.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from tqdm import tqdm

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import Journal
from speciarl_verl.judge.protocol import Judge, Pair, Source
from speciarl_verl.method.answer import extract_answer

_THE_SERVERS = frozenset({Source.CACHE, Source.COALESCED})
"""Who decided is the server, however its word came: a resumed run finds more of it in the cache."""


def load_verdicts(predictions: Sequence[Prediction], journal: Journal[Judged]) -> dict[SampleKey, Judged]:
    """The verdicts that are there.

    Raises:
        EvaluationError: a verdict is there twice, or on something else than what was predicted.
    """
    by_key = {prediction.key: prediction for prediction in predictions}
    verdicts: dict[SampleKey, Judged] = {}
    for verdict in journal.load():
        key = verdict.prediction.key
        if by_key.get(key) != verdict.prediction or key in verdicts:
            raise EvaluationError(
                f"{journal.path}: {key.dataset}/{key.image} sample {key.sample} "
                + ("is there twice" if key in verdicts else "was judged on another prediction")
                + "; remove the file to judge anew"
            )
        verdicts[key] = verdict
    return verdicts


def without_judge(prediction: Prediction, max_words: int) -> Judged | str:
    """The record of a sample that needs no judge, or the answer that does."""
    if prediction.response is None:
        return Judged(prediction, answer=None, outcome=Outcome.FAILED)
    extraction = extract_answer(prediction.response, max_words)
    if extraction.answer is None:
        refusal = extraction.refusal.value if extraction.refusal else None
        return Judged(prediction, answer=None, outcome=Outcome.UNPARSEABLE, refusal=refusal)
    return extraction.answer


async def judge_all(
    pending: Sequence[Prediction], judge: Judge, max_words: int, concurrency: int, total: int, journal: Journal[Judged]
) -> None:
    """Run the stage to its end.

    Args:
        concurrency: questions asked at once.
        total: samples of the whole run, for the progress bar.

    Raises:
        JudgeError: the judge gave no verdict.
    """
    bar = tqdm(total=total, initial=total - len(pending), desc="judge", unit="sample", smoothing=0.1)
    waiting = iter(pending)
    with journal, bar:
        askers = [asyncio.ensure_future(_ask(waiting, judge, max_words, journal, bar)) for _ in range(concurrency)]
        try:
            await asyncio.gather(*askers)
        finally:
            for asker in askers:
                asker.cancel()
            await asyncio.gather(*askers, return_exceptions=True)


async def _ask(
    waiting: Iterator[Prediction], judge: Judge, max_words: int, journal: Journal[Judged], bar: "tqdm[Any]"
) -> None:
    for prediction in waiting:
        judged = without_judge(prediction, max_words)
        if not isinstance(judged, Judged):
            judged = await _judged(prediction, judged, judge)
        journal.append([judged])
        bar.update()


async def _judged(prediction: Prediction, answer: str, judge: Judge) -> Judged:
    verdict = await judge.judge(Pair(prediction=answer, ground_truth=prediction.ground_truth))
    source = Source.SERVER if verdict.source in _THE_SERVERS else verdict.source
    return Judged(prediction, answer, verdict.category, source=source.value, confidence=verdict.confidence)
