"""The report from a JSONL of made-up results."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recipes.study.contrasts import NAMED, difference, further_seed, held_out_hm, paired, repetition
from recipes.study.report import MARK, calibration_table, main
from recipes.study.results import append_results, figures, is_done, read_results
from recipes.study.rows import Run, Setting, all_runs
from recipes.study.world import DOMAINS
from speciarl_verl.errors import InputError


def result(run: Run, name: str, right: int) -> dict[str, Any]:
    counts = {"W": 20 - right, "A": 0, "G": 2, "S-": 3, "S": right - 5, "S+": 0}
    domains = {domain.name: {"counts": counts, "unparseable": 0, "kinds": [[2, 1, 1]] * 10} for domain in DOMAINS}
    course = [[step, 0.1 * step, {"W": 0.5, "G": 0.3, "S": 0.2}] for step in (1, 2)]
    return {
        "name": name,
        "seed": run.seed,
        "run": run.as_json(),
        "commit": "abc",
        "machine": "a machine",
        "seconds": {"prepare": 0.0, "train": 100.0, "evaluate": 10.0},
        "steps": 2,
        "rollouts": 2 * 32 * run.row.n,
        "figures": figures(domains),
        "domains": domains,
        "course": course if run.row.n else [],
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "results.jsonl"
    right = {"dynamic N=8": 17, "binary N=8": 13, "dynamic N=16": 14, "dynamic N=4": 16}
    found = [
        result(run, run.row.name, right[run.row.name] + run.seed % 2)
        for run in all_runs(Setting())
        if run.row.name in right and run.seed < 3
    ]
    append_results(path, found)
    return path


def test_report_is_made_from_the_jsonl_and_keeps_what_was_written_by_hand(results: Path, tmp_path: Path) -> None:
    (tmp_path / "RESULTS.md").write_text(f"# Results\n\nWhat did not reproduce.\n\n{MARK}\n\nold tables\n")
    import typer

    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["--results", str(results), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "RESULTS.md").read_text()
    assert "What did not reproduce." in text
    assert "old tables" not in text
    assert "| C1 |" in text
    assert "not run yet" in text
    for name in ("tradeoff", "rollouts", "course", "categories", "certainty"):
        assert (tmp_path / "plots" / f"{name}.png").stat().st_size > 5000
        assert f"plots/{name}.png" in text


def test_calibration_stands_beside_the_published_figures(results: Path) -> None:
    untrained = next(all_runs(Setting()))
    found = [result(untrained, "zero-shot", 16), result(Run(untrained.row, 1, untrained.setting), "zero-shot", 18)]
    (row,) = list(calibration_table(found))[4:]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert (cells[0], cells[2], cells[4]) == ("zero-shot", "0.742", "0.846")
    low, high = (float(bound) for bound in cells[3].split("(")[1].rstrip(")").split(" to "))
    assert low < 0.85 < high


def test_contrast_pairs_by_seed(results: Path) -> None:
    found = difference(read_results(results), NAMED[0])
    assert found is not None
    assert found.seeds == 3
    assert found.low < found.mean < found.high
    assert found.mean > 0.05


def test_contrast_without_rows_is_none(results: Path) -> None:
    assert difference(read_results(results), NAMED[2]) is None


def test_paired_interval_is_students() -> None:
    found = paired("x", [0.01, 0.03, 0.02, 0.04, 0.0])
    assert found.mean == pytest.approx(0.02)
    assert found.high - found.mean == pytest.approx(2.776445 * 0.0158114 / 5**0.5, rel=1e-4)


def test_group_figures_are_means_over_domains(results: Path) -> None:
    one = read_results(results)[0]
    assert one["figures"]["fine-grained"]["hm"] == pytest.approx(one["figures"]["food"]["hm"])
    assert held_out_hm(one) == pytest.approx(one["figures"]["cars"]["hm"])


def test_a_run_is_done_only_under_its_own_setting(results: Path) -> None:
    run = next(run for run in all_runs(Setting()) if run.row.name == "binary N=8")
    found = read_results(results)
    assert is_done(run, found)
    assert not is_done(Run(run.row, run.seed, Setting(steps=3)), found)
    assert not is_done(Run(run.row, 9, run.setting), found)


def test_a_broken_line_is_named(results: Path) -> None:
    with results.open("a") as file:
        file.write('{"name": "dyn')
    with pytest.raises(InputError, match=r"results\.jsonl:13: not JSON"):
        read_results(results)
    json.loads(results.read_text().splitlines()[0])


def test_further_seed_lands_where_students_prediction_says() -> None:
    low, high = further_seed([0.70, 0.72, 0.74])
    # t of 2 degrees of freedom, 4.303; deviation .02; sqrt(1 + 1/3).
    assert (low + high) / 2 == pytest.approx(0.72)
    assert high - 0.72 == pytest.approx(4.3027 * 0.02 * (4 / 3) ** 0.5, rel=1e-4)


@pytest.mark.parametrize(("right", "place"), [(17, "within"), (6, "outside")])
def test_repetition_with_another_seed_is_held_against_the_rows_own(results: Path, right: int, place: str) -> None:
    run = next(run for run in all_runs(Setting()) if run.row.name == "dynamic N=8")
    found = read_results(results)
    said = repetition(result(Run(run.row, 7, run.setting), run.row.name, right), found)
    assert f", {place} " in said
    assert "which 3 other seeds predict" in said


def test_repetition_of_another_setting_has_nothing_to_be_held_against(results: Path) -> None:
    run = next(run for run in all_runs(Setting()) if run.row.name == "dynamic N=8")
    other = result(Run(run.row, 7, Setting(steps=2)), run.row.name, 17)
    assert repetition(other, read_results(results)) == ""
