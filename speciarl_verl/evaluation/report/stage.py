"""The stage `report`: from the verdicts to tables, plots and the browser, and runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation
from speciarl_verl.evaluation.pictures import PictureError, PictureFiles, PictureRow, draw
from speciarl_verl.evaluation.records import Judged, SampleKey
from speciarl_verl.evaluation.verdicts.manifest import load_judge_run
from speciarl_verl.evaluation.verdicts.stage import complete_verdicts
from speciarl_verl.judge.judge_config import ServerJudgeConfig

if TYPE_CHECKING:
    from speciarl_verl.evaluation.conti.four_scores import ContiScores
    from speciarl_verl.evaluation.report.contents import Report

BROWSER = "browser.html"


@dataclass(frozen=True)
class ContiRequest:
    """The models of the protocol of Conti et al.

    Attributes:
        encoder: Sentence-BERT, folder or hub id; the default when None.
        spacy: name of a spaCy pipeline; the default when None.
        inclusion: the LLM that says yes or no; LI is off when None.
    """

    encoder: str | None = None
    spacy: str | None = None
    inclusion: ServerJudgeConfig | None = None


def run_report(evaluation: Evaluation, conti: ContiRequest | None, browser_pictures: int) -> "Report":
    """Write the report of a finished run.

    Args:
        browser_pictures: pictures of the error browser; of a larger run so many are drawn. 0 writes none.

    Raises:
        EvaluationError: predictions or verdicts are missing.
    """
    from speciarl_verl.evaluation.report.assembly import build_report
    from speciarl_verl.evaluation.report.contents import JudgeReport
    from speciarl_verl.evaluation.report.folders import write_report

    judged = complete_verdicts(evaluation)
    judge = load_judge_run(evaluation.folder)
    if judge is None:
        raise EvaluationError(f"{evaluation.folder}: has verdicts but no judge.json: judge again")
    report = build_report(
        judged,
        name=evaluation.folder.resolve().name,
        run=evaluation.run,
        judge=JudgeReport(kind=judge.config["name"], model=judge.model, rubric=judge.rubric),
        conti=score(judged, conti) if conti else None,
        seed=evaluation.run.settings.seed,
    )
    write_report(report, evaluation.folder)
    if browser_pictures:
        _write_browser(evaluation, judged, report.name, browser_pictures)
    return report


def score(judged: Sequence[Judged], request: ContiRequest) -> "Mapping[str, ContiScores]":
    """The four scores, each off with its reason where its model is not at hand."""
    from speciarl_verl.evaluation.conti.chunker import DEFAULT_PIPELINE, load_chunker
    from speciarl_verl.evaluation.conti.encoder import DEFAULT_ENCODER, load_encoder
    from speciarl_verl.evaluation.conti.inclusion import inclusion_judge
    from speciarl_verl.evaluation.conti.missing_model import load_or_missing
    from speciarl_verl.evaluation.conti.scores import score_conti

    return score_conti(
        judged,
        encoder=load_or_missing(lambda: load_encoder(request.encoder or DEFAULT_ENCODER)),
        chunker=load_or_missing(lambda: load_chunker(request.spacy or DEFAULT_PIPELINE)),
        inclusion=inclusion_judge(request.inclusion) if request.inclusion else None,
    )


def _write_browser(evaluation: Evaluation, judged: Sequence[Judged], title: str, most: int) -> None:
    from speciarl_verl.evaluation.error_browser.page import write_browser

    total = len(evaluation.pictures)
    chosen: Sequence[PictureRow] = evaluation.pictures
    if total > most:
        sets = {picture.dataset for picture in chosen}
        chosen = draw(chosen, -(-most // len(sets)), evaluation.run.settings.seed)
        title = f"{title}: {len(chosen):,} of {total:,} pictures, drawn by chance"
    rows = {picture.name: picture for picture in chosen}
    files = PictureFiles()

    def stored(key: SampleKey) -> bytes | None:
        try:
            return files.read(rows[key.picture])
        except PictureError:
            return None

    shown = [one for one in judged if one.prediction.key.picture in rows]
    write_browser(shown, stored, evaluation.folder / BROWSER, title=title)
