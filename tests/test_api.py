"""The library as one uses it from Python: every public name is there, lazily, with an example that works."""

import doctest
import json
import typing
from pathlib import Path
from typing import Any

import pytest

import speciarl_verl
from speciarl_verl import Category, Pair, TaxonomyJudgeConfig, build_judge, evaluate_predictions, judge_pairs
from speciarl_verl.errors import EvaluationError
from tests.evaluation.small_set import write_set
from tests.fresh_python import run

PAIRS = [Pair("crow", "American Crow"), Pair("poodle", "American Crow")]
LIGHT = ("method.category", "method.answer", "method.rules", "method.metrics", "method.facts")


def write_crow(path: Path, *names: str) -> str:
    names = names or ("1.jpg",)
    return write_set(path, ["American Crow"] * len(names), names=names)


def public(name: str) -> Any:
    return getattr(speciarl_verl, name)


@pytest.mark.parametrize("name", speciarl_verl.__all__)
def test_public_name_has_an_example_that_works(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_crow(tmp_path / "test.parquet")
    names = {one: public(one) for one in speciarl_verl.__all__}
    (example, *_) = doctest.DocTestFinder(recurse=False).find(public(name), name, globs=names)
    assert example.examples
    failed = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example).failed
    assert not failed, capsys.readouterr().out


def test_names_are_listed_once_and_typed_as_they_are_found() -> None:
    assert sorted(speciarl_verl.__all__) == speciarl_verl.__all__
    assert {*speciarl_verl._HOMES} == {*speciarl_verl.__all__}
    assert {*speciarl_verl.__all__, "__version__"} <= {*dir(speciarl_verl)}
    source = Path(speciarl_verl.__file__).read_text()
    for module, names in speciarl_verl._MODULES.items():
        assert f"    from speciarl_verl.{module} import {', '.join(names)}\n" in source


def test_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'group_rewards'"):
        speciarl_verl.group_rewards  # noqa: B018


def test_each_name_brings_only_its_own_module() -> None:
    loaded = run(
        """
        import sys
        import speciarl_verl
        def ours():
            return sorted(name for name in sys.modules if name.startswith("speciarl_verl."))
        print(ours())
        from speciarl_verl import Category, Group, compute_metrics, extract_answer, group_reward
        print(ours(), [name for name in ("pydantic", "numpy", "torch") if name in sys.modules])
        """
    ).splitlines()
    assert loaded[0] == "[]"
    assert loaded[1] == f"{sorted(['speciarl_verl.method', *(f'speciarl_verl.{name}' for name in LIGHT)])} []"


def test_type_hints_of_the_functions_resolve() -> None:
    assert typing.get_type_hints(speciarl_verl.judge_pairs)["return"] == list[speciarl_verl.Verdict]
    assert (Path(speciarl_verl.__file__).parent / "py.typed").exists()


def test_judge_pairs_may_be_called_again_with_the_same_judge() -> None:
    judge = build_judge(TaxonomyJudgeConfig())
    for _ in range(2):
        assert [verdict.category for verdict in judge_pairs(PAIRS, judge)] == [Category.LESS_SPECIFIC, Category.WRONG]
    assert judge_pairs([], judge) == []


async def test_judge_pairs_works_inside_a_running_event_loop() -> None:
    verdicts = judge_pairs(PAIRS, build_judge(TaxonomyJudgeConfig()))
    assert [verdict.category.symbol for verdict in verdicts] == ["S-", "W"]


async def test_evaluate_predictions_works_inside_a_running_event_loop_and_resumes(tmp_path: Path) -> None:
    data = write_crow(tmp_path / "test.parquet")
    answers = [{"dataset": "cub", "image": "1.jpg", "response": "<answer>American crow</answer>"}]
    for _ in range(2):
        report = evaluate_predictions(answers, [data], tmp_path / "run", TaxonomyJudgeConfig(), browser_pictures=0)
        assert report.datasets[0].scores.hm.value == 1.0
    assert (tmp_path / "run" / "report.md").exists()
    assert not (tmp_path / "run" / "browser.html").exists()


def test_evaluate_predictions_takes_a_file_and_refuses_what_it_lacks(tmp_path: Path) -> None:
    data = write_crow(tmp_path / "test.parquet", "1.jpg", "2.jpg")
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"dataset": "cub", "image": "1.jpg", "response": "<answer>crow</answer>"}) + "\n")
    with pytest.raises(EvaluationError, match="1 of 2 samples are missing"):
        evaluate_predictions(file, [data], tmp_path / "run", TaxonomyJudgeConfig())
    report = evaluate_predictions(file, [data], tmp_path / "run", TaxonomyJudgeConfig(), allow_missing=True)
    assert report.datasets[0].scores.correctness.value == 0.5
