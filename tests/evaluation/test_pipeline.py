from pathlib import Path

import pytest

from speciarl_verl import TaxonomyJudgeConfig
from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import alone_in
from speciarl_verl.evaluation.pipeline import Command, Stage, open_evaluation, run_command
from speciarl_verl.evaluation.predict.request import PredictRequest
from tests.evaluation.small_set import write_set

SAID = '{"dataset": "cub", "image": "000.png", "response": "<answer>crow</answer>"}\n'


def command(folder: Path, *stages: Stage, limit: int | None = None, **changes: object) -> Command:
    """One picture that was called a crow, to be judged offline."""
    data = write_set(folder / "test.parquet", ["American Crow"])
    (folder / "said.jsonl").write_text(SAID)
    request = PredictRequest(data=[data], predictions=str(folder / "said.jsonl"), overrides={"limit": limit})
    settings = {"judge": TaxonomyJudgeConfig(), "browser_pictures": 0, **changes}
    return Command(folder / "run", stages or tuple(Stage), request, **settings)  # type: ignore[arg-type]


def test_every_stage_leaves_its_files_and_a_line_for_people(tmp_path: Path) -> None:
    lines = list(run_command(command(tmp_path)))
    assert lines[0].startswith("cub: specificity 0.750 correctness 1.000 HM 0.857")
    assert lines[-1] == str(tmp_path / "run" / "report.md")
    assert (tmp_path / "run" / "report.json").is_file()


@pytest.mark.parametrize(("stage", "left"), [(Stage.PREDICT, "predictions.jsonl"), (Stage.JUDGE, "verdicts.jsonl")])
def test_a_stage_alone_does_its_own_part(tmp_path: Path, stage: Stage, left: str) -> None:
    if stage is Stage.JUDGE:
        assert list(run_command(command(tmp_path, Stage.PREDICT))) == []
    assert list(run_command(command(tmp_path, stage))) == []
    assert (tmp_path / "run" / left).is_file()
    assert not (tmp_path / "run" / "report.json").exists()


def test_a_missing_judge_is_said_before_anything_is_predicted(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--judge is missing"):
        list(run_command(command(tmp_path, judge=None)))
    assert not (tmp_path / "run" / "predictions.jsonl").exists()


def test_a_second_command_in_the_folder_is_refused(tmp_path: Path) -> None:
    with alone_in(tmp_path / "run"), pytest.raises(EvaluationError, match="another evaluation is at work in it"):
        list(run_command(command(tmp_path)))


def test_data_are_asked_for_once_and_then_recorded(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="--data is missing"):
        open_evaluation(tmp_path, PredictRequest(predictions=str(tmp_path / "said.jsonl")))
    first = command(tmp_path)
    first.folder.mkdir()
    opened = open_evaluation(first.folder, first.request)
    assert open_evaluation(first.folder, PredictRequest()) == opened
    assert [picture.image for picture in opened.pictures] == ["000.png"]
