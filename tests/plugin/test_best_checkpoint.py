"""The best checkpoint stays when verl removes its original, and is what a command takes for a folder of checkpoints."""

import json
import os
import shutil
from pathlib import Path

import pytest

from speciarl_verl.evaluation.predict.adapter import last_step
from speciarl_verl.plugin.best_checkpoint import best_hm, keep_best


def save(checkpoints: Path, step: int) -> Path:
    file = checkpoints / f"global_step_{step}" / "actor" / "model_world_size_1_rank_0.pt"
    file.parent.mkdir(parents=True)
    file.write_text(f"weights of step {step}")
    return file


def kept(checkpoints: Path) -> str:
    return (last_step(checkpoints / "best") / "actor" / "model_world_size_1_rank_0.pt").read_text()


def test_the_best_replaces_the_best_and_nothing_else_does(tmp_path: Path) -> None:
    for step, hm, is_best in ((10, 0.5, True), (20, 0.8, True), (30, 0.8, False), (40, 0.7, False)):
        save(tmp_path, step)
        assert keep_best(tmp_path, step, hm) is is_best
    assert kept(tmp_path) == "weights of step 20"
    assert json.loads((tmp_path / "best" / "validation.json").read_text()) == {"step": 20, "hm": 0.8}
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith("global")} == {"best"}
    assert best_hm(tmp_path) == 0.8


def test_it_costs_no_room_and_outlives_its_original(tmp_path: Path) -> None:
    file = save(tmp_path, 10)
    keep_best(tmp_path, 10, 0.5)
    assert os.stat(file).st_nlink == 2
    shutil.rmtree(tmp_path / "global_step_10")
    assert kept(tmp_path) == "weights of step 10"


def test_without_links_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    file = save(tmp_path, 10)
    assert keep_best(tmp_path, 10, 0.0)
    assert (kept(tmp_path), os.stat(file).st_nlink) == ("weights of step 10", 1)


def test_a_step_that_was_not_saved_is_passed_over(tmp_path: Path) -> None:
    assert not keep_best(tmp_path, 15, 0.9)
    assert best_hm(tmp_path) == -1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("left", ["best.partial", "best.old"])
def test_what_a_kill_left_is_no_obstacle(tmp_path: Path, left: str) -> None:
    (tmp_path / left).mkdir()
    (tmp_path / left / "half").write_text("")
    save(tmp_path, 10)
    assert keep_best(tmp_path, 10, 0.5)
    assert kept(tmp_path) == "weights of step 10"
    assert not (tmp_path / left).exists()
