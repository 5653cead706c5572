"""One command of an evaluation: the stages that it names, in their order, over one folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation, alone_in
from speciarl_verl.evaluation.pictures import draw, read_pictures
from speciarl_verl.evaluation.predict.request import PredictRequest, requested_run
from speciarl_verl.evaluation.predict.server_engine import ServerSettings
from speciarl_verl.evaluation.predict.stage import Resources, run_predict, with_served_model
from speciarl_verl.evaluation.report.stage import ContiRequest, run_report
from speciarl_verl.evaluation.run import RUN, load_run, save_model
from speciarl_verl.evaluation.verdicts.manifest import Config
from speciarl_verl.evaluation.verdicts.stage import run_judge
from speciarl_verl.files import write_text
from speciarl_verl.judge.many import outside_loop
from speciarl_verl.method.answer import AnswerMode

if TYPE_CHECKING:
    from speciarl_verl.evaluation.report.contents import Report


class Stage(str, Enum):
    """In their order."""

    PREDICT = "predict"
    JUDGE = "judge"
    REPORT = "report"


@dataclass(frozen=True)
class Command:
    """What the command line says.

    Attributes:
        judge: needed by the stage judge only; `max_words` and `answer_mode` are the run's, or the defaults, when None.
        compare: folders of finished runs that are put beside this one.
    """

    folder: Path
    stages: Sequence[Stage]
    request: PredictRequest
    resources: Resources = field(default_factory=Resources)
    judge: Config | None = None
    max_words: int | None = None
    answer_mode: AnswerMode | None = None
    conti: ContiRequest | None = None
    browser_pictures: int = 3000
    compare: Sequence[Path] = ()
    retry_failed: bool = False
    allow_missing: bool = False


def run_command(command: Command) -> Iterator[str]:
    """Run it; gives lines for people, as the stages end.

    Raises:
        EvaluationError, DataContractError, JudgeError: one line; what was done is kept.
    """
    with alone_in(command.folder):
        evaluation = open_evaluation(command.folder, command.request, command.resources.server)
        if Stage.JUDGE in command.stages and command.judge is None:
            # Before hours of predicting, not after.
            raise EvaluationError("--judge is missing: taxonomy, or server with --judge-url (or --stages predict)")
        if Stage.PREDICT in command.stages:
            run_predict(
                evaluation,
                command.resources,
                command.request.predictions,
                retry_failed=command.retry_failed,
                allow_missing=command.allow_missing,
            )
        if Stage.JUDGE in command.stages and command.judge is not None:
            run_judge(evaluation, command.judge, command.max_words, command.answer_mode)
        if Stage.REPORT in command.stages:
            yield from _summary(run_report(evaluation, command.conti, command.browser_pictures), command.folder)
    if command.compare:
        from speciarl_verl.evaluation.report.folders import compare_folders

        yield from compare_folders([command.folder, *command.compare], command.folder / "compare")


def evaluate_predictions(
    predictions: Path | str | Sequence[Mapping[str, Any]],
    data: Sequence[Path | str],
    out: Path | str,
    judge: Config,
    *,
    max_words: int | None = None,
    allow_missing: bool = False,
    browser_pictures: int = 3000,
) -> "Report":
    """Do what `speciarl evaluate --predictions` does; also in a notebook. Called again, it goes on where it was.

    >>> answers = [{"dataset": "cub", "image": "1.jpg", "response": "<answer>crow</answer>"}]
    >>> report = evaluate_predictions(answers, ["test.parquet"], "outputs/crows", TaxonomyJudgeConfig())
    >>> report.datasets[0].scores.specificity.value
    0.75

    Args:
        predictions: a JSONL file, or its lines: `dataset`, `image`, `response`, and `sample` where there are several.
        data: parquet files of `python -m data_prep`.
        out: the folder of the run: its report in three formats, plots and error browser.
        max_words: a longer answer is wrong; the run's, or the default, when None.
        allow_missing: count what `predictions` lacks as failed, instead of refusing.
        browser_pictures: of the error browser; 0 writes none.

    Raises:
        EvaluationError, DataContractError, JudgeError: one line; what was done is kept.
    """
    folder = Path(out)
    if not isinstance(predictions, Path | str):
        lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in predictions]
        predictions = folder / "given.jsonl"
        write_text(predictions, "".join(lines))
    command = Command(
        folder,
        tuple(Stage),
        PredictRequest(data=[str(file) for file in data], predictions=str(predictions)),
        judge=judge,
        max_words=max_words,
        browser_pictures=browser_pictures,
        allow_missing=allow_missing,
    )
    from speciarl_verl.evaluation.report.folders import read_report

    outside_loop(lambda: list(run_command(command)))
    return read_report(folder)


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
    run = with_served_model(requested_run(request, pictures, recorded), server or ServerSettings(url=""))
    if recorded is not None:
        recorded.require_same(run, folder)
    if run != recorded:
        save_model(run, folder / RUN)
    return Evaluation(folder, run, draw(pictures, run.settings.limit, run.settings.seed))


def _summary(report: "Report", folder: Path) -> Iterator[str]:
    for part in report.datasets:
        scores = part.scores
        yield (
            f"{part.name}: specificity {scores.specificity.value:.3f} correctness {scores.correctness.value:.3f} "
            f"HM {scores.hm.value:.3f} [{scores.hm.low:.3f}, {scores.hm.high:.3f}] n {part.n} unparseable "
            f"{part.shares['unparseable'].count} failed {part.shares['failed'].count}"
        )
    for warning in report.warnings:
        yield f"warning: {warning}"
    yield f"{folder / 'report.md'}"
