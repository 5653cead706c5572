"""The stage `judge`: predictions through extraction and a judge into `verdicts.jsonl`.

Failed and unparseable samples need no judge. A judge that gives no verdict ends the stage with its own message; the
verdicts so far are kept, and the same command goes on from there.
"""

import asyncio
from collections.abc import Iterable, Sequence

from tqdm import tqdm

from speciarl_verl.answer import extract_answer
from speciarl_verl.evaluation.fault import EvaluationError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction
from speciarl_verl.evaluation.store import Journal
from speciarl_verl.judge.protocol import Judge, Pair

_WAVE = 1024
"""Questions that wait for the judge at once; the judge itself bounds those in flight."""


def pending_predictions(predictions: Sequence[Prediction], journal: Journal[Judged]) -> list[Prediction]:
    """The predictions without a verdict.

    Raises:
        EvaluationError: a verdict is there twice, or on something else than what was predicted.
    """
    by_key = {prediction.key: prediction for prediction in predictions}
    judged = set()
    for verdict in journal.load():
        key = verdict.prediction.key
        if by_key.get(key) != verdict.prediction or key in judged:
            raise EvaluationError(
                f"{journal.path}: {key.dataset}/{key.image} sample {key.sample} "
                + ("is there twice" if key in judged else "was judged on another prediction")
                + "; remove the file to judge anew"
            )
        judged.add(key)
    return [prediction for prediction in predictions if prediction.key not in judged]


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
    pending: Sequence[Prediction], judge: Judge, max_words: int, total: int, journal: Journal[Judged]
) -> None:
    """Run the stage to its end.

    Args:
        total: samples of the whole run, for the progress bar.

    Raises:
        JudgeError: the judge gave no verdict.
    """
    bar = tqdm(total=total, initial=total - len(pending), desc="judge", unit="sample", smoothing=0.1)
    with journal, bar:
        asking: list[tuple[Prediction, str]] = []
        ready: list[Judged] = []
        for prediction in pending:
            judged = without_judge(prediction, max_words)
            if isinstance(judged, Judged):
                ready.append(judged)
            else:
                asking.append((prediction, judged))
        _keep(ready, journal, bar)
        for start in range(0, len(asking), _WAVE):
            await _judge_wave(asking[start : start + _WAVE], judge, journal, bar)


async def _judge_wave(
    asking: Iterable[tuple[Prediction, str]], judge: Judge, journal: Journal[Judged], bar: "tqdm[None]"
) -> None:
    flying = {asyncio.ensure_future(_judged(prediction, answer, judge)) for prediction, answer in asking}
    try:
        while flying:
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            faults = [fault for task in done if (fault := task.exception()) is not None]
            _keep([task.result() for task in done if task.exception() is None], journal, bar)
            if faults:
                raise faults[0]
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)


async def _judged(prediction: Prediction, answer: str, judge: Judge) -> Judged:
    verdict = await judge.judge(Pair(prediction=answer, ground_truth=prediction.ground_truth))
    source = getattr(verdict.source, "value", verdict.source)
    return Judged(prediction, answer, verdict.category, source=source, confidence=verdict.confidence)


def _keep(judged: Sequence[Judged], journal: Journal[Judged], bar: "tqdm[None]") -> None:
    if judged:
        journal.append(judged)
        bar.update(len(judged))
