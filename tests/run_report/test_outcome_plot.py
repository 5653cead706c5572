"""Stacked areas of categories and bars."""

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from speciarl_verl.rollout.step_figures import BAR_KEYS
from speciarl_verl.run_report.outcome_plot import draw_outcomes_over_steps
from speciarl_verl.run_report.run_folder import open_run
from tests.run_report.made_run import make_run


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_shares_fill_the_whole_height_at_every_step(tmp_path: Path, steps: int) -> None:
    figure = draw_outcomes_over_steps(open_run(make_run(tmp_path / "run", steps=steps)))
    assert len(figure.axes) == 3
    for axes in figure.axes:
        tops = [max(y for _, y in area.get_paths()[0].vertices) for area in axes.collections]
        assert max(tops) == pytest.approx(1)


def test_run_that_logged_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/1.jsonl").write_text('{"step": 1, "data": {"critic/score/mean": 0.5}}\n')
    axes = draw_outcomes_over_steps(open_run(tmp_path)).axes
    assert [one.texts[0].get_text() for one in axes] == ["not logged"] * 3


def test_rule_that_sets_no_bar_is_told_and_a_step_without_one_has_a_colour_of_its_own(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", steps=4)
    (metrics,) = (folder / "metrics").glob("*.jsonl")
    steps = [json.loads(line) for line in metrics.read_text().splitlines()]

    def drawn(shares: dict[str, float]) -> Figure:
        for step in steps:
            step["data"] |= {f"training/speciarl/reference/{key}": shares.get(key, 0.0) for key in BAR_KEYS}
        metrics.write_text("".join(json.dumps(step) + "\n" for step in steps))
        return draw_outcomes_over_steps(open_run(folder))

    assert [text.get_text() for text in drawn({"none": 1.0}).axes[2].texts] == ["no rule with a bar"]
    mixed = drawn({"none": 0.25, "S": 0.75})
    assert mixed.legends[0].get_texts()[0].get_text() == "none"
    assert len(mixed.axes[2].collections) == 2
