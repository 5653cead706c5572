"""Stacked areas of categories and bars."""

from pathlib import Path

import pytest

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
