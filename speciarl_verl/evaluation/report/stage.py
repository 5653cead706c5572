"""The stage `report`: from the verdicts to tables, plots and the browser, and runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.fingerprint import package_versions
from speciarl_verl.evaluation.opened import Evaluation
from speciarl_verl.evaluation.pictures import Picture, PictureError, PictureFiles, draw
from speciarl_verl.evaluation.records import Judged, SampleKey
from speciarl_verl.evaluation.run import EngineKind, Run
from speciarl_verl.evaluation.verdicts.manifest import JudgeRun, load_judge_run
from speciarl_verl.evaluation.verdicts.stage import complete_verdicts
from speciarl_verl.judge.judge_config import ServerJudgeConfig

if TYPE_CHECKING:
    from speciarl_verl.evaluation.conti.scores import ContiScores
    from speciarl_verl.evaluation.report.build import Report, RunAbout

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
    from speciarl_verl.evaluation.report.build import build_report, write_report

    judged = complete_verdicts(evaluation)
    judge = load_judge_run(evaluation.folder)
    if judge is None:
        raise EvaluationError(f"{evaluation.folder}: has verdicts but no judge.json: judge again")
    run = evaluation.run
    about = describe(run, judge, evaluation.folder.resolve().name)
    report = build_report(judged, about=about, conti=score(judged, conti) if conti else None, seed=run.settings.seed)
    write_report(report, evaluation.folder)
    if browser_pictures:
        _write_browser(evaluation, judged, about.name, browser_pictures)
    return report


def describe(run: Run, judge: JudgeRun, name: str) -> "RunAbout":
    """What the report says of the run."""
    from speciarl_verl.evaluation.report.build import JudgeAbout, RunAbout, SamplingAbout, Versions

    settings = run.settings
    engine = " ".join(f"{name} {number}" for name, number in run.versions.items() if name.startswith("vllm"))
    return RunAbout(
        name=name,
        model=settings.model or "unknown",
        adapter=settings.adapter,
        prompt=settings.prompt or "unknown",
        judge=JudgeAbout(kind=judge.config["name"], model=judge.model, rubric=judge.rubric),
        training_judge=run.training_judge,
        sampling=SamplingAbout(
            n=settings.samples,
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=None if settings.engine is EngineKind.FILE else settings.max_tokens,
        ),
        data=tuple(data.path for data in run.data),
        seed=settings.seed,
        created=datetime.fromisoformat(run.created),
        versions=Versions(
            package=package_versions("speciarl_verl").get("speciarl_verl", "unknown"),
            engine=engine or settings.engine.value,
        ),
    )


def score(judged: Sequence[Judged], request: ContiRequest) -> "Mapping[str, ContiScores]":
    """The four scores, each off with its reason where its model is not at hand."""
    from speciarl_verl.evaluation.conti.absent import at_hand
    from speciarl_verl.evaluation.conti.chunker import DEFAULT_PIPELINE, load_chunker
    from speciarl_verl.evaluation.conti.encoder import DEFAULT_ENCODER, load_encoder
    from speciarl_verl.evaluation.conti.inclusion import JudgedInclusion
    from speciarl_verl.evaluation.conti.scores import score_conti
    from speciarl_verl.judge.build import build_judge

    inclusion = JudgedInclusion(build_judge(request.inclusion)) if request.inclusion else None
    return score_conti(
        judged,
        encoder=at_hand(lambda: load_encoder(request.encoder or DEFAULT_ENCODER)),
        chunker=at_hand(lambda: load_chunker(request.spacy or DEFAULT_PIPELINE)),
        inclusion=inclusion,
    )


def _write_browser(evaluation: Evaluation, judged: Sequence[Judged], title: str, most: int) -> None:
    from speciarl_verl.evaluation.error_browser.page import write_browser

    total = len(evaluation.pictures)
    chosen: Sequence[Picture] = evaluation.pictures
    if total > most:
        sets = {picture.dataset for picture in chosen}
        chosen = draw(chosen, -(-most // len(sets)), evaluation.run.settings.seed)
        title = f"{title}: {len(chosen):,} of {total:,} pictures, drawn by chance"
    rows = {(picture.dataset, picture.image): picture for picture in chosen}
    files = PictureFiles()

    def stored(key: SampleKey) -> bytes | None:
        try:
            return files.read(rows[key.dataset, key.image])
        except PictureError:
            return None

    shown = [one for one in judged if (one.prediction.key.dataset, one.prediction.key.image) in rows]
    write_browser(shown, stored, evaluation.folder / BROWSER, title=title)
