"""The table holds each run of the paper once, and no figure that the paper does not give."""

import pytest
from pydantic import ValidationError

from recipes.paper.runs import Paper, Run, paper
from recipes.paper.table import printed
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.report.benchmarks import ALL, FINE_GRAINED, VERY_FINE_GRAINED
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.prompts import prompt_names

MAIN_TABLE = {"zero-shot", "be-specific", "sft", "binary", "main", "best-of-64"}
ABLATIONS = {"rollouts-5", "rollouts-15", "graded-1", "graded-2", "graded-3", "noise-5", "noise-10", "noise-25"}
SOURCES = {
    *("images-128", "images-1024", "images-2048"),
    *("train-flowers", "train-food", "train-pets", "train-aircraft", "mix"),
}
ALGORITHMS = {"drgrpo", "dapo", "dapo-dynamic", "st"}
STEERING = {f"prompt-{name}" for name in prompt_names() if name not in ("train", "short", "be-specific")}


def test_each_run_of_the_paper_is_there_once() -> None:
    names = [run.name for run in paper().runs]
    assert len(names) == len(set(names))
    assert set(names) == MAIN_TABLE | ABLATIONS | SOURCES | ALGORITHMS | STEERING | {"conti"}
    assert len(STEERING) == 5


def test_no_two_runs_do_the_same() -> None:
    deeds = [run.model_dump(exclude={"name", "what", "published", "hm", "differs"}) for run in paper().runs]
    assert all(deeds.count(deed) == 1 for deed in deeds)


def test_draws_are_the_papers() -> None:
    draws = {run.name: run.draw for run in paper().runs}
    assert draws["main"] == draws["binary"] == draws["sft"] == {"cub": 3000}
    assert all(draws[f"noise-{share}"] == {"cub": 1024} for share in (5, 10, 25))
    assert draws["train-pets"] == {"oxford_pets": 2944}
    assert sum(draws["mix"].values()) == 3000
    assert paper().tested == ALL.datasets


def test_published_figures_are_those_of_the_paper_and_blank_elsewhere() -> None:
    stated = {run.name: printed(run, FINE_GRAINED) for run in paper().runs}
    assert (stated["main"].specificity, stated["main"].correctness, stated["main"].hm) == (0.920, 0.848, 0.883)
    assert (stated["rollouts-5"].hm, stated["rollouts-5"].specificity, stated["rollouts-15"].hm) == (0.883, None, 0.824)
    assert {name for name, figures in stated.items() if figures.hm} == MAIN_TABLE | {"rollouts-5", "rollouts-15"}
    very = {run.name for run in paper().runs if printed(run, VERY_FINE_GRAINED).hm}
    assert very == {"main", "sft", "binary", "best-of-64"}
    assert {run.published for run in paper().runs if run.published} == set(published().methods)


def test_what_verl_cannot_do_is_told_in_its_row() -> None:
    assert "neither generation batches of 768 nor the limit of 10" in paper().find("dapo-dynamic").differs


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="mian: no such run"):
        paper().find("mian")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (Run(name="main", what="again", draw={"cub": 1}), "main is there twice"),
        (Run(name="x", what="no pictures"), "a training has a draw"),
        (Run(name="x", what="no training", kind="base", draw={"cub": 1}), "a training has a draw"),
        (Run(name="x", what="of nobody", of="y"), "no run y"),
        (Run(name="x", what="elsewhere", draw={"imagenet": 1}), "no set imagenet"),
    ],
)
def test_a_table_that_does_not_hang_together_is_refused(run: Run, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Paper.model_validate({**paper().model_dump(), "runs": [*paper().model_dump()["runs"], run.model_dump()]})
