"""Which judge gave a run's verdicts, as `judge.json` tells it."""

from pathlib import Path

import pytest

from speciarl_verl import evaluate_predictions
from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.verdicts.manifest import JudgeRun, load_judge_run
from speciarl_verl.judge.judge_config import CustomJudgeConfig, ServerJudgeConfig, TaxonomyJudgeConfig
from speciarl_verl.judge.protocol import Source
from tests.evaluation.small_set import write_set

SOURCE = """
from speciarl_verl import Category, Source, Verdict


class Judge:
    async def judge(self, pair):
        return Verdict(Category.{category}, Source.CUSTOM)

    async def check(self): ...

    async def close(self): ...


def make(options):
    return Judge()
"""


def test_own_judge_evaluates_and_an_edited_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "edited_judge.py"
    module.write_text(SOURCE.format(category="GENERIC"))
    monkeypatch.syspath_prepend(tmp_path)
    config = CustomJudgeConfig(factory="edited_judge:make", options={"depth": 2})
    data = write_set(tmp_path / "test.parquet", ["Blue Jay"], names=["1.jpg"])
    answers = [{"dataset": "cub", "image": "1.jpg", "response": "<answer>songbird</answer>"}]

    report = evaluate_predictions(answers, [data], tmp_path / "run", config, browser_pictures=0)
    assert report.datasets[0].scores.specificity.value == 0.5
    assert "edited_judge:make" in (tmp_path / "run/report.json").read_text()
    recorded = load_judge_run(tmp_path / "run")
    assert recorded is not None
    assert (recorded.config["options"], recorded.account.decided) == ({"depth": 2}, {Source.CUSTOM: 1})

    module.write_text(SOURCE.format(category="SPECIFIC"))
    with pytest.raises(EvaluationError, match="verdicts were given with judge rubric 'edited_judge:make"):
        evaluate_predictions(answers, [data], tmp_path / "run", config, browser_pictures=0)


@pytest.mark.parametrize(
    ("config", "rubric"),
    [
        (TaxonomyJudgeConfig(), "cub"),
        (ServerJudgeConfig(prompt="binary"), "binary"),
        (ServerJudgeConfig(votes={"prompts": ("strict", "binary")}), "strict + binary"),  # type: ignore[arg-type]
        (CustomJudgeConfig(factory="os:getcwd"), "os:getcwd"),
    ],
)
def test_rubric_names_what_decides(config: TaxonomyJudgeConfig, rubric: str) -> None:
    assert JudgeRun.of(config, 12).rubric == rubric
