"""The stage `predict`: pictures through an engine into `predictions.jsonl`, a picture's samples in one write.

A sample that fails for good is recorded as failed and counts as wrong. But where everything fails, no model is wrong:
after `MAX_CONSECUTIVE` failures in a row, or where nothing else came, the stage stops instead, and the failures of that
row are not recorded. (A picture that cannot be opened is none of a row, once something came.) What was done is kept;
the same command goes on from there.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation, Expected, check_keys, sample_keys
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.predict.engine import Engine, PictureResponses
from speciarl_verl.evaluation.predict.engines import Resources, build_engine
from speciarl_verl.evaluation.predict.external import read_external
from speciarl_verl.evaluation.records import Prediction, SampleKey
from speciarl_verl.evaluation.run import EngineKind
from speciarl_verl.evaluation.store import Journal, predictions_journal, verdicts_journal

MAX_CONSECUTIVE = 32


def pending_pictures(expected: Expected, journal: Journal[Prediction], retry_failed: bool = False) -> list[PictureRow]:
    """The pictures that still have to be predicted.

    A picture of which a kill left only some samples is taken out of the journal, to be asked anew as a whole.

    Args:
        retry_failed: take failed samples out, too.

    Raises:
        EvaluationError: the journal holds samples that are not expected, or one twice.
    """
    known = journal.load()
    keys = set(expected.keys())
    check_keys([prediction.key for prediction in known], keys, journal)
    failed = {_picture_of(prediction.key) for prediction in known if retry_failed and prediction.response is None}
    counts: dict[tuple[str, str], int] = {}
    for prediction in known:
        counts[_picture_of(prediction.key)] = counts.get(_picture_of(prediction.key), 0) + 1
    whole = {picture for picture, count in counts.items() if count == expected.samples} - failed
    kept = [prediction for prediction in known if _picture_of(prediction.key) in whole]
    if len(kept) < len(known):
        journal.replace(kept)
    return [picture for picture in expected.pictures if (picture.dataset, picture.image) not in whole]


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


def _forget_verdicts(folder: Path, pending: Sequence[PictureRow]) -> None:
    journal = verdicts_journal(folder)
    verdicts = journal.load()
    again = {(picture.dataset, picture.image) for picture in pending}
    kept = [one for one in verdicts if (one.prediction.key.dataset, one.prediction.key.image) not in again]
    if len(kept) < len(verdicts):
        journal.replace(kept)


def predict(
    engine: Engine, pending: Sequence[PictureRow], samples: int, total: int, journal: Journal[Prediction]
) -> None:
    """Run the stage to its end.

    Args:
        total: pictures of the whole run, for the progress bar.

    Raises:
        EvaluationError: the engine is gone, or fails everything.
    """
    failing: list[PictureResponses] = []
    some_came = len(pending) < total
    bar = tqdm(total=total, initial=total - len(pending), desc="predict", unit="picture", smoothing=0.1)
    with closing(engine.answers(pending)) as answers, journal, bar:
        for answer in answers:
            bar.update()
            if answer.failure is not None and not (answer.fault_of_picture and some_came):
                failing.append(answer)
                if len(failing) >= MAX_CONSECUTIVE:
                    raise EvaluationError(_all_fail(failing))
                continue
            some_came = some_came or answer.failure is None
            for done in (*failing, answer) if answer.failure is None else (answer,):
                journal.append(_predictions(done, samples))
            if answer.failure is None:
                failing.clear()
        if failing and not some_came:
            raise EvaluationError(_all_fail(failing))
        for answer in failing:
            journal.append(_predictions(answer, samples))


def _predictions(answer: PictureResponses, samples: int) -> list[Prediction]:
    truth = answer.picture.ground_truth
    keys = sample_keys(answer.picture, samples)
    if answer.failure is not None:
        return [Prediction(key, truth, response=None, failure=answer.failure) for key in keys]
    return [
        Prediction(key, truth, response.text, response_tokens=response.tokens)
        for key, response in zip(keys, answer.responses, strict=True)
    ]


def _all_fail(failing: Sequence[PictureResponses]) -> str:
    return (
        f"predict: {len(failing)} pictures failed in a row and nothing else came; the last: {failing[-1].failure}. "
        "These failures were not recorded: repair the cause and repeat the command to resume"
    )


def _picture_of(key: SampleKey) -> tuple[str, str]:
    return (key.dataset, key.image)
