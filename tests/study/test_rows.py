import re
from collections import Counter
from pathlib import Path

import pytest

from recipes.study.contrasts import NAMED
from recipes.study.rows import BASELINES, Setting, all_runs, choose

ROOT = Path(__file__).parents[2]


def test_contrasts_come_first_seed_by_seed_with_five_seeds() -> None:
    runs = [(run.row.name, run.seed) for run in all_runs(Setting())]
    named = dict.fromkeys(name for contrast in NAMED for name in (contrast.better, *contrast.others))
    assert {name for name, seed in runs[:6] if seed == 0} == {BASELINES, *named}
    assert runs[6:12] == [(name, 1) for name, _ in runs[:6]]
    seeds = Counter(name for name, _ in runs)
    for contrast in NAMED:
        for name in (contrast.better, *contrast.others):
            assert seeds[name] == 5
    assert set(seeds.values()) == {3, 5}


def test_no_run_is_there_twice() -> None:
    runs = [(run.row.name, run.seed) for run in all_runs(Setting())]
    assert len(runs) == len(set(runs))


def test_every_flag_is_one_of_train_sh() -> None:
    script = (ROOT / "recipes" / "train.sh").read_text()
    flags = {flag for run in all_runs(Setting()) for flag in run.row.flags if flag.startswith("--")}
    assert flags
    for flag in flags:
        assert re.search(rf"{flag}\b", script), flag


def test_choose_takes_patterns_and_seeds() -> None:
    chosen = choose(all_runs(Setting()), ["dynamic*", "floor*"], [7])
    assert {run.row.name for run in chosen} == {f"dynamic N={n}" for n in (4, 8, 16)} | {
        "floor 2/3 N=8",
        "floor 2/3 N=16",
    }
    assert {run.seed for run in chosen} == {7}


def test_choose_refuses_a_pattern_without_a_row() -> None:
    with pytest.raises(ValueError, match="--only dinamic: no such row: choose from 1024 images"):
        choose(all_runs(Setting()), ["dinamic"], [])


def test_work_is_counted_in_steps_and_rollouts() -> None:
    runs = {run.row.name: run for run in all_runs(Setting(images=3000, prompts=32, steps=30))}
    assert (runs["dynamic N=16"].steps, runs["dynamic N=16"].rollouts) == (30, 30 * 32 * 16)
    assert (runs["SFT"].steps, runs["SFT"].rollouts) == (93, 0)
    assert (runs[BASELINES].steps, runs[BASELINES].rollouts) == (0, 0)
    assert runs["128 images N=8"].as_json()["images"] == 128
