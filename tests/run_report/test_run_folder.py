"""A training's folder: whole, still growing, torn, or something else."""

import json
from pathlib import Path

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.run_report.run_folder import open_run, open_runs, rows_of
from tests.run_report.made_run import make_run


def test_run_is_read_with_its_launch_and_configuration(run_folder: Path) -> None:
    run = open_run(run_folder)
    assert (run.name, len(run.training), run.total) == ("run", 20, 20)
    assert list(run.rollouts) == list(range(1, 21))
    assert [step for step, _ in run.validations("hm")] == [5, 10, 15, 20]
    (launch,) = run.launches
    assert (launch.account["asked"], launch.versions) == (640, {"verl": "0.9.1"})
    assert run.setting("speciarl.reward.rule") == "dynamic"
    assert run.setting("no.such.key") is None


def test_credentials_of_an_address_are_not_shown(run_folder: Path) -> None:
    config = open_run(run_folder).config
    assert "http://***@judge:30000" in config
    assert "secret" not in config


def test_run_of_which_only_metrics_are_there_yet(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/1.jsonl").write_text(json.dumps({"step": 1, "data": {"critic/score/mean": 0.5}}) + "\n")
    run = open_run(tmp_path)
    assert (run.rollouts, run.total, run.config) == ({}, None, "")
    assert (run.launches[0].account, run.launches[0].versions) == ({}, {})


def test_line_that_a_kill_cut_short_is_left_out(run_folder: Path) -> None:
    path = run_folder / "rollouts/20.jsonl"
    whole = len(list(rows_of(path)))
    path.write_bytes(path.read_bytes()[:-30])
    assert len(list(rows_of(path))) == whole - 1


@pytest.mark.parametrize("text", ["no JSON\n", "3\n", '{"category": "W"}\n'])
def test_foreign_rollouts_are_refused_with_their_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"1\.jsonl:1: no judged rollout"):
        list(rows_of(tmp_path / "1.jsonl"))


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no step of training is logged in metrics/: name the --out"):
        open_run(tmp_path)


def test_runs_of_one_name_are_told_apart_and_none_is_given_twice(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / parent / "train", steps=1) for parent in ("a", "b")]
    assert [run.name for run in open_runs(folders)] == ["a/train", "b/train"]
    with pytest.raises(InputError, match="train is given twice"):
        open_runs([folders[0], folders[0]])
