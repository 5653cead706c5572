"""A run is its commands in order; what a changed command would make is not taken for done."""

import subprocess
import sys
from pathlib import Path

import pytest

from recipes.paper.commands import Request, Step, plan
from recipes.paper.runs import paper
from speciarl_verl.errors import InputError

ROOT = Path(__file__).parents[2]
NAMES = [run.name for run in paper().runs]


def request(folder: Path, **given: object) -> Request:
    defaults = {"data": folder / "sources", "out": folder / "out", "python": "python", "judge_url": "http://judge"}
    return Request(**{**defaults, **given})  # type: ignore[arg-type]


def steps(name: str, folder: Path, **given: object) -> list[Step]:
    return plan(paper(), paper().find(name), request(folder, **given))


def paper_sh(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "recipes/paper.sh", *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_prepares_trains_and_evaluates_in_that_order(name: str, tmp_path: Path) -> None:
    titles = [step.title.split()[0] for step in steps(name, tmp_path)]
    assert titles.count("train") == int(paper().find(name).kind != "base")
    assert titles.index("prepare") == 0
    assert titles[-1] == "evaluate"
    done = [step.done for step in steps(name, tmp_path)]
    assert len(done) == len(set(done))


def test_what_is_trained_on_was_prepared_and_what_was_trained_is_evaluated(tmp_path: Path) -> None:
    for name in NAMES:
        planned = steps(name, tmp_path)
        made = {str(step.done.parent) for step in planned}
        for step in planned:
            if not step.title.startswith("prepare"):
                files = [part for part in step.command if part.endswith(".parquet")]
                assert {str(Path(file).parent) for file in files} <= made
            if "--adapter" in step.command:
                trained = Path(step.command[step.command.index("--adapter") + 1])
                assert str(trained.parent) in made


def test_the_split_files_and_the_banner_are_the_authors(tmp_path: Path) -> None:
    commands = {step.title: step.command for step in steps("mix", tmp_path)}
    assert str(tmp_path / "sources/flowers102/split_zhou_OxfordFlowers.json") in commands["prepare flowers102-whole"]
    assert "--keep-banner" in commands["prepare fgvc_aircraft-test"]
    assert commands["prepare mix"].count("--part") == 6


def test_conti_evaluates_the_main_training(tmp_path: Path) -> None:
    *before, last = steps("conti", tmp_path, inclusion_url="http://llama")
    assert [step.text for step in before] == [step.text for step in steps("main", tmp_path)[:-1]]
    assert "--conti" in last.command
    assert last.command[-1] == "http://llama"
    assert last.done == tmp_path / "out/conti/evaluation/report.json"


def test_one_judge_must_be_named(tmp_path: Path) -> None:
    for judges in ({"judge_url": None}, {"taxonomy": "cub"}):
        with pytest.raises(InputError, match="--judge-url URL"):
            steps("main", tmp_path, **judges)
    with pytest.raises(InputError, match="--scale big: choose one of cpu"):
        steps("main", tmp_path, scale="big")


def test_dry_run_prints_each_command_and_writes_nothing(tmp_path: Path) -> None:
    flags = ["--data", tmp_path / "in", "--out", tmp_path / "out", "--judge-url", "http://judge", "--dry-run"]
    done = paper_sh("dapo", *flags, "--evaluation-judge-url", "http://llama", "--", "trainer.n_gpus_per_node=8")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    assert lines[1].startswith("bash recipes/train.sh ")
    assert lines[1].endswith("trainer.n_gpus_per_node=8")
    assert "http://judge" in lines[1]
    assert "--judge-url http://llama" in lines[-1]
    assert not any(tmp_path.iterdir())


def test_list_and_table_have_a_line_a_run(tmp_path: Path) -> None:
    listed = paper_sh("list").stdout.splitlines()
    assert [line.split()[0] for line in listed[2:]] == NAMES
    table = paper_sh("table", tmp_path).stdout.splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in table[2:]] == NAMES


def test_a_faulty_source_stops_the_run_with_its_own_line(tmp_path: Path) -> None:
    done = paper_sh("main", "--data", tmp_path / "in", "--out", tmp_path / "out", "--judge-url", "http://judge")
    assert done.returncode == 2
    assert "data_prep: error:" in done.stderr
    assert "prepare cub-3000 ended with status 2" in done.stderr
    assert not (tmp_path / "out" / "main").exists()


def test_what_another_command_made_is_not_taken_for_done(tmp_path: Path) -> None:
    (made, *_) = steps("main", tmp_path)
    made.done.parent.mkdir(parents=True)
    made.done.write_text("{}")
    made.made_by.write_text(made.text.replace("--train-size 3000", "--train-size 300"))
    done = paper_sh("main", "--data", tmp_path / "sources", "--out", tmp_path / "out", "--judge-url", "http://judge")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "was made by another command" in line
