"""Curves of training and validation, run over run."""

from pathlib import Path

from speciarl_verl.run_report.course_plot import draw_course
from speciarl_verl.run_report.run_folder import open_run
from speciarl_verl.watch.metrics_log import REWARD
from tests.run_report.made_run import make_run


def test_each_run_has_a_line_and_its_validation_markers(tmp_path: Path) -> None:
    runs = [open_run(make_run(tmp_path / name, steps=10, seed=seed)) for seed, name in enumerate(("one", "two"))]
    reward, hm, *_ = draw_course(runs).axes
    assert [list(line.get_xdata()) for line in reward.lines] == [list(range(1, 11))] * 2
    assert list(reward.lines[0].get_ydata()) == [step.figures[REWARD] for step in runs[0].training]
    labels = [line.get_label() for line in hm.lines]
    assert labels == ["one, rollouts", "one, validation", "two, rollouts", "two, validation"]
    assert list(hm.lines[1].get_xdata()) == [5, 10]
    assert hm.lines[0].get_color() == hm.lines[1].get_color() != hm.lines[2].get_color()


def test_long_run_is_smoothed_over_its_faint_steps(tmp_path: Path) -> None:
    reward = draw_course([open_run(make_run(tmp_path / "run", steps=80, groups=1))]).axes[0]
    steps, mean = (list(map(float, line.get_ydata())) for line in reward.lines)
    assert mean[40] == sum(steps[36:45]) / 9
    assert max(mean) - min(mean) < max(steps) - min(steps)


def test_figure_that_was_not_logged_says_so(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/1.jsonl").write_text('{"step": 1, "data": {"critic/score/mean": 0.5}}\n')
    axes = draw_course([open_run(tmp_path)]).axes
    assert [[text.get_text() for text in one.texts] for one in axes] == [[], *[["not logged"]] * 5]
