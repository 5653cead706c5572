import pytest

from speciarl_verl.evaluation.report.plots.canvas import new_figure
from speciarl_verl.evaluation.report.plots.palette import draw_outcomes, outcome_handles


def test_a_bar_is_stacked_of_the_shares_and_names_what_has_room():
    axes = new_figure(2).add_subplot()
    draw_outcomes(axes, 0, {"W": 0.5, "A": 0.04, "S": 0.46}, height=0.5)
    widths = [patch.get_width() for patch in axes.patches]
    assert sum(widths) == pytest.approx(1)
    assert axes.patches[-2].get_x() == pytest.approx(0.54)
    assert [text.get_text() for text in axes.texts] == ["W", "S"]


def test_a_legend_has_the_outcomes_that_are_asked_for():
    assert [patch.get_label() for patch in outcome_handles(["S", "unparseable"])] == ["unparseable", "S  specific"]
