"""The stage `predict`: pictures through an engine into `predictions.jsonl`, a picture's samples in one write.

A sample that fails for good is recorded as failed and counts as wrong. But where everything fails, no model is wrong:
after `MAX_CONSECUTIVE` failures in a row, or where nothing else came, the stage stops instead, and the failures of that
row are not recorded. (A picture that cannot be opened is none of a row, once something came.) What was done is kept;
the same command goes on from there.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm import tqdm

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation, Expected, check_keys, sample_keys
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.predict.adapter import adapter_rank, as_peft
from speciarl_verl.evaluation.predict.engine import Engine, PictureResponses
from speciarl_verl.evaluation.predict.external import read_external
from speciarl_verl.evaluation.predict.server_engine import ServerEngine, ServerSettings, served_model
from speciarl_verl.evaluation.predict.vllm_engine import VllmEngine
from speciarl_verl.evaluation.predict.vllm_messages import VllmSettings
from speciarl_verl.evaluation.records import Prediction
from speciarl_verl.evaluation.run import EngineKind, Run
from speciarl_verl.evaluation.store import Journal, predictions_journal, verdicts_journal
from speciarl_verl.prompts import load_prompt

MAX_CONSECUTIVE = 32
LOG = "vllm.log"


@dataclass(frozen=True)
class Resources:
    """How much is used at once and how patiently; none of it changes what comes out.

    Attributes:
        data_parallel: vLLM engines, one a GPU.
        server: of predicting with a server; its address and model are the run's.
    """

    data_parallel: int = 1
    server: ServerSettings = field(default_factory=lambda: ServerSettings(url=""))


def pending_pictures(expected: Expected, journal: Journal[Prediction], retry_failed: bool = False) -> list[PictureRow]:
    """The pictures that still have to be predicted.

    A picture of which a kill left only some samples is taken out of the journal, to be asked anew as a whole.

    Args:
        retry_failed: take failed samples out, too.

    Raises:
        EvaluationError: the journal holds samples that are not expected, or one twice.
    """
    known = journal.load()
    check_keys([prediction.key for prediction in known], set(expected.keys()), journal)
    good = Counter(one.key.picture for one in known if not (retry_failed and one.response is None))
    kept = [prediction for prediction in known if good[prediction.key.picture] == expected.samples]
    if len(kept) < len(known):
        journal.replace(kept)
    return [picture for picture in expected.pictures if good[picture.name] < expected.samples]


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


def with_served_model(run: Run, server: ServerSettings) -> Run:
    """A server's run with its model named, so that the report names it and a restart finds out about another one.

    Raises:
        EvaluationError: the server cannot be reached, or lists none.
    """
    if run.settings.engine is not EngineKind.SERVER or run.settings.model is not None:
        return run
    model = served_model(replace(server, url=run.server or ""))
    return run.model_copy(update={"settings": run.settings.model_copy(update={"model": model})})


def build_engine(run: Run, resources: Resources, folder: Path) -> ServerEngine | VllmEngine:
    """Start the engine. What it leaves behind (a converted adapter, vLLM's log) goes into `folder`.

    Raises:
        EvaluationError: it does not start, or the server does not serve the model.
    """
    settings = run.settings
    prompt = load_prompt(settings.prompt or "")
    if settings.engine is EngineKind.SERVER:
        server = replace(resources.server, url=run.server or "", model=settings.model, body=settings.engine_args)
        return ServerEngine(server, settings, prompt)
    adapter = rank = None
    if settings.adapter is not None:
        adapter = str(as_peft(Path(settings.adapter), folder / "adapter"))
        rank = adapter_rank(Path(adapter))
    return VllmEngine(VllmSettings(settings, prompt, str(folder / LOG), adapter, rank), resources.data_parallel)


def _forget_verdicts(folder: Path, pending: Sequence[PictureRow]) -> None:
    journal = verdicts_journal(folder)
    verdicts = journal.load()
    again = {picture.name for picture in pending}
    kept = [one for one in verdicts if one.prediction.key.picture not in again]
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
    with closing(engine.answers(pending)) as answers, bar:
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
