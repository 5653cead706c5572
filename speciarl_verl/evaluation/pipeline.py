"""One command of an evaluation: the stages that it names, in their order, over one folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.predict.engines import Resources
from speciarl_verl.evaluation.predict.request import PredictRequest
from speciarl_verl.evaluation.report.stage import ContiRequest, run_report
from speciarl_verl.evaluation.stages import Stage, alone_in, open_evaluation, run_judge, run_predict
from speciarl_verl.evaluation.verdicts.manifest import Config

if TYPE_CHECKING:
    from speciarl_verl.evaluation.report.build import Report


@dataclass(frozen=True)
class Command:
    """What the command line says.

    Attributes:
        judge: needed by the stage judge only; `max_words` is the run's, or the default, when None.
        compare: folders of finished runs that are put beside this one.
    """

    folder: Path
    stages: Sequence[Stage]
    request: PredictRequest
    resources: Resources = field(default_factory=Resources)
    judge: Config | None = None
    max_words: int | None = None
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
            run_judge(evaluation, command.judge, command.max_words)
        if Stage.REPORT in command.stages:
            yield from _summary(run_report(evaluation, command.conti, command.browser_pictures), command.folder)
    if command.compare:
        from speciarl_verl.evaluation.report.folders import compare_folders

        yield from compare_folders([command.folder, *command.compare], command.folder / "compare")


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
