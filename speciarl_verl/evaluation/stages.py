"""The stages of an evaluation over one folder: each finds out by itself what is left to do, and does it."""

import asyncio
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import Picture, draw, read_pictures
from speciarl_verl.evaluation.predict.engines import Resources, build_engine
from speciarl_verl.evaluation.predict.external import read_external
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.predict.server_api import ServerApi, ServerSettings
from speciarl_verl.evaluation.predict.stage import Expected, check_keys, pending_pictures, predict
from speciarl_verl.evaluation.records import Judged, Prediction
from speciarl_verl.evaluation.run import RUN, EngineKind, Run, load_run, save_model
from speciarl_verl.evaluation.store import predictions_journal, verdicts_journal
from speciarl_verl.evaluation.verdicts.manifest import Config, JudgeRun, load_judge_run, save_judge_run
from speciarl_verl.evaluation.verdicts.stage import judge_all, load_verdicts
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.method.answer import DEFAULT_MAX_WORDS


class Stage(str, Enum):
    """In their order."""

    PREDICT = "predict"
    JUDGE = "judge"
    REPORT = "report"


@dataclass(frozen=True)
class Evaluation:
    """A run that has been opened: its manifest agrees with what was asked for.

    Attributes:
        pictures: all that are part of the run, after `limit`.
    """

    folder: Path
    run: Run
    pictures: Sequence[Picture]

    @property
    def expected(self) -> Expected:
        """Every sample of the run."""
        return Expected(self.pictures, self.run.settings.samples)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder against a second command.

    Raises:
        EvaluationError: one is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EvaluationError(f"{folder}: another evaluation is at work in it") from None
        yield


def open_evaluation(folder: Path, request: PredictRequest, server: ServerSettings | None = None) -> Evaluation:
    """Make the run's manifest, or prove that what is asked for is what the folder holds.

    Args:
        server: how a server is asked which model it serves, where none is named.

    Raises:
        EvaluationError: it is not; or flags are missing or contradict each other.
        DataContractError: a parquet.
    """
    recorded = load_run(folder)
    files = list(request.data) or [data.path for data in recorded.data] if recorded else list(request.data)
    if not files:
        raise EvaluationError("--data is missing: a parquet of `python -m data_prep`")
    pictures = read_pictures(files)
    run = _with_served_model(requested_run(request, pictures, recorded), server or ServerSettings(url=""))
    if recorded is not None:
        recorded.same_as(run, folder)
    if run != recorded:
        save_model(run, folder / RUN)
    return Evaluation(folder, run, draw(pictures, run.settings.limit, run.settings.seed))


def run_predict(
    evaluation: Evaluation,
    resources: Resources,
    predictions: str | None,
    retry_failed: bool,
    allow_missing: bool,
) -> None:
    """Predict what is missing.

    Raises:
        EvaluationError: the engine or its input; what was done is kept.
    """
    journal = predictions_journal(evaluation.folder)
    pending = pending_pictures(evaluation.expected, journal, retry_failed)
    if retry_failed:
        _forget_verdicts(evaluation.folder, pending)
    if not pending:
        return
    if evaluation.run.settings.engine is EngineKind.FILE:
        if predictions is None:
            raise EvaluationError("--predictions FILE is missing: the run's predictions come from a file")
        journal.replace(read_external(Path(predictions), evaluation.expected, allow_missing))
        return
    with closing(build_engine(evaluation.run, resources, evaluation.folder)) as engine:
        predict(engine, pending, evaluation.run.settings.samples, len(evaluation.pictures), journal)


def _forget_verdicts(folder: Path, pending: Sequence[Picture]) -> None:
    journal = verdicts_journal(folder)
    verdicts = journal.load()
    again = {(picture.dataset, picture.image) for picture in pending}
    kept = [one for one in verdicts if (one.prediction.key.dataset, one.prediction.key.image) not in again]
    if len(kept) < len(verdicts):
        journal.replace(kept)


def run_judge(evaluation: Evaluation, config: Config, max_words: int | None) -> None:
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
    judging = JudgeRun.of(config, max_words)
    if recorded is not None:
        recorded.same_as(judging, folder)
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
        asyncio.run(_judge(config, ledger, pending, max_words, len(predictions), journal))
    finally:
        save_judge_run(judging.charged(ledger.account()), folder)


def complete_predictions(evaluation: Evaluation) -> list[Prediction]:
    """The predictions of all samples, in the order of their keys.

    Raises:
        EvaluationError: some are missing, or are not of this run.
    """
    journal = predictions_journal(evaluation.folder)
    predictions = sorted(journal.load(), key=lambda prediction: prediction.key)
    expected = set(evaluation.expected.keys())
    check_keys([prediction.key for prediction in predictions], expected, journal)
    if len(predictions) < len(expected):
        raise EvaluationError(
            f"{journal.path}: has {len(predictions)} of {len(expected)} samples: finish the stage predict first"
        )
    return predictions


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


async def _judge(
    config: Config, ledger: Ledger, pending: Sequence[Prediction], max_words: int, total: int, journal: Any
) -> None:
    judge = build_judge(config, ledger)
    try:
        await judge.check()
        concurrency = getattr(config, "max_concurrency", 1)
        await judge_all(pending, judge, max_words, concurrency, total, journal)
    finally:
        await judge.close()


def _with_model(config: Config, recorded: JudgeRun | None) -> Config:
    """A server's judge with its model named, so that a restart finds out when another one is served."""
    if not isinstance(config, ServerJudgeConfig) or config.model is not None or config.url is None:
        return config
    settings = ServerSettings(config.url, api_key_env=config.api_key_env, api_key_file=config.api_key_file)
    try:
        names = asyncio.run(_names(settings))
    except EvaluationError as error:
        raise EvaluationError(f"judge: {error}") from error
    if recorded is not None and recorded.model in names:
        return config.model_copy(update={"model": recorded.model})
    if not names:
        raise EvaluationError(f"judge server {settings.api} lists no model: name it, --judge-set model=NAME")
    return config.model_copy(update={"model": names[0]})


def _with_served_model(run: Run, server: ServerSettings) -> Run:
    """A server's run with its model named, so that the report names it and a restart finds out about another one."""
    if run.settings.engine is not EngineKind.SERVER or run.settings.model is not None:
        return run
    names = asyncio.run(_names(replace(server, url=run.server or "")))
    if not names:
        raise EvaluationError(f"server {run.server} lists no model: name it in --served-model")
    return run.model_copy(update={"settings": run.settings.model_copy(update={"model": names[0]})})


async def _names(settings: ServerSettings) -> list[str]:
    api = ServerApi(settings)
    try:
        return [str(card["id"]) for card in await api.models()]
    finally:
        await api.close()
