"""The stage `judge`: predictions through extraction and a judge into `verdicts.jsonl`.

Failed and unparseable samples need no judge, nor do malformed answers. A judge that gives no verdict ends the stage
with its own message; the verdicts so far are kept, and the same command goes on from there.
"""

import asyncio
from collections.abc import Sequence

from speciarl_verl.errors import EvaluationError, JudgeError
from speciarl_verl.evaluation.opened import Evaluation, complete_predictions
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import Journal, verdicts_journal
from speciarl_verl.evaluation.verdicts.manifest import Config, JudgeRun, load_judge_run, save_judge_run
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.many import judge_with_progress
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.judge.response import DEFAULT_MAX_WORDS, AnswerConfig
from speciarl_verl.method.answer import AnswerMode, extract_answer
from speciarl_verl.server_client.discovery import find_service
from speciarl_verl.server_client.failure import ServerError

_THE_SERVERS = frozenset({Source.CACHE, Source.COALESCED})
"""Who decided is the server, however its word came: a resumed run finds more of it in the cache."""


def run_judge(
    evaluation: Evaluation, config: Config, max_words: int | None = None, answer_mode: AnswerMode | None = None
) -> None:
    """Judge what has no verdict yet.

    Raises:
        EvaluationError: predictions are missing, or the verdicts are another judge's.
        JudgeError: the judge gave no verdict.
    """
    folder = evaluation.folder
    predictions = complete_predictions(evaluation)
    recorded = load_judge_run(folder)
    config = _with_model(config, recorded)
    if max_words is None:
        max_words = recorded.max_words if recorded else DEFAULT_MAX_WORDS
    if answer_mode is None:
        answer_mode = recorded.answer_mode if recorded else "strict"
    judging = JudgeRun.of(config, max_words, answer_mode)
    if recorded is not None:
        recorded.require_same(judging, folder)
        judging = recorded
    else:
        save_judge_run(judging, folder)
    journal = verdicts_journal(folder)
    known = load_verdicts(predictions, journal)
    pending = [prediction for prediction in predictions if prediction.key not in known]
    if not pending:
        return
    ledger = Ledger()
    try:
        judge = build_judge(config, ledger, AnswerConfig(mode=answer_mode, max_words=max_words))
        asyncio.run(judge_pending(pending, judge, journal, answer_mode, done=len(known)))
    finally:
        save_judge_run(judging.charged(ledger.account()), folder)


def complete_verdicts(evaluation: Evaluation) -> list[Judged]:
    """The verdicts on all samples, in the order of their keys.

    Raises:
        EvaluationError: some are missing, or are not on what was predicted.
    """
    journal = verdicts_journal(evaluation.folder)
    predictions = complete_predictions(evaluation)
    verdicts = load_verdicts(predictions, journal)
    if len(verdicts) < len(predictions):
        raise EvaluationError(
            f"{journal.path}: has {len(verdicts)} of {len(predictions)} verdicts: finish the stage judge first"
        )
    return [verdicts[prediction.key] for prediction in predictions]


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
                f"{journal.path}: {key} "
                + ("is there twice" if key in verdicts else "was judged on another prediction")
                + "; remove the file to judge anew"
            )
        verdicts[key] = verdict
    return verdicts


def without_judge(prediction: Prediction, answer_mode: AnswerMode) -> Judged | str:
    """The record of a sample that needs no judge, or the answer that does."""
    if prediction.response is None:
        return Judged(prediction, answer=None, outcome=Outcome.FAILED)
    extraction = extract_answer(prediction.response, answer_mode)
    if extraction.answer is None:
        refusal = extraction.refusal.value if extraction.refusal else None
        return Judged(prediction, answer=None, outcome=Outcome.UNPARSEABLE, refusal=refusal)
    return extraction.answer


async def judge_pending(
    pending: Sequence[Prediction],
    judge: Judge,
    journal: Journal[Judged],
    answer_mode: AnswerMode = "strict",
    done: int = 0,
) -> None:
    """Run the stage to its end, and close the judge.

    Args:
        done: samples that have a verdict already, for the progress bar.

    Raises:
        JudgeError: the judge gave no verdict.
    """
    asked: list[tuple[Prediction, str]] = []
    for prediction in pending:
        judged = without_judge(prediction, answer_mode)
        if isinstance(judged, Judged):
            journal.append([judged])
        else:
            asked.append((prediction, judged))
    pairs = [Pair(prediction=answer, ground_truth=prediction.ground_truth) for prediction, answer in asked]
    await judge_with_progress(
        judge,
        pairs,
        on_verdict=lambda number, verdict: journal.append([_judged(*asked[number], verdict)]),
        done=done + len(pending) - len(asked),
    )


def _judged(prediction: Prediction, answer: str, verdict: Verdict) -> Judged:
    source = Source.SERVER if verdict.source in _THE_SERVERS else verdict.source
    rule = verdict.fault.value if verdict.fault else None
    return Judged(prediction, answer, verdict.category, rule, source.value, verdict.confidence)


def _with_model(config: Config, recorded: JudgeRun | None) -> Config:
    """A server's judge with its model named, so that a restart finds out when another one is served."""
    if not isinstance(config, ServerJudgeConfig) or config.model is not None or config.url is None:
        return config
    try:
        service = asyncio.run(find_service(config.endpoint(), None, config.timeout_s, config.proxy))
    except ServerError as error:
        raise JudgeError(str(error)) from error
    model = recorded.model if recorded is not None and recorded.model in service.listed else service.model
    return config.model_copy(update={"model": model})
