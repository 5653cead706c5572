import pytest

from speciarl_verl.evaluation.report.plots.best_of_plot import draw_best_of
from tests.evaluation.report.drawn import FIVE, report_of


def test_a_panel_a_figure_with_a_curve_for_each_data_set_and_mean() -> None:
    report = report_of(*FIVE, "cub", samples=4)
    figure = draw_best_of(report)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["specificity", "correctness", "HM"]
    for axes, name in zip(figure.axes, ("specificity", "correctness", "hm"), strict=True):
        curves = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
        assert len(curves) == 6 + 3
        assert curves["CUB"] == [getattr(point, name) for point in report.datasets[-1].best_of]
    assert len(figure.legends[0].get_texts()) == 9


@pytest.mark.parametrize(("samples", "marked"), [(2, [1, 2]), (5, [1, 2, 5]), (8, [1, 2, 4, 8]), (10, [1, 2, 4, 10])])
def test_the_k_axis_has_powers_of_two_and_the_last_k_and_never_two_that_touch(samples: int, marked: list[int]) -> None:
    axes = draw_best_of(report_of("cub", samples=samples)).axes[0]
    assert list(axes.xaxis.get_majorticklocs()) == marked
