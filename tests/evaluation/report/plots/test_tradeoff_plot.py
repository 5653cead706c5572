import pytest
from matplotlib.contour import ContourSet

from speciarl_verl.evaluation.report.plots.tradeoff_plot import draw_report
from speciarl_verl.evaluation.report.published import published
from tests.evaluation.report.drawn import report_of


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def numbered(figure):
    texts = figure.axes[0].texts
    return {text.get_text(): text.get_position() for text in texts if text.get_text().isdigit()}


def test_tradeoff_numbers_published_points_beside_data_that_the_paper_has():
    rows = [row for row in published().rows if row.specificity is not None]
    figure = draw_report(report_of("food101"))
    numbers = numbered(figure)
    assert numbers == {str(n): (row.specificity, row.correctness) for n, row in enumerate(rows, start=1)}
    assert legend_of(figure)[-len(rows) :] == [row.method for row in rows]
    others = draw_report(report_of("birds"))
    assert not numbered(others)
    assert not {row.method for row in rows} & {*legend_of(others)}


def test_tradeoff_draws_published_points_hollow_and_measured_points_filled():
    report = report_of("food101")
    axes = draw_report(report).axes[0]
    fills = {}
    for line in axes.get_lines():
        if line.get_marker() == "o" and len(line.get_xdata()) == 1:
            fills[float(line.get_xdata()[0]), float(line.get_ydata()[0])] = line.get_markerfacecolor()
    hollow = {(row.specificity, row.correctness) for row in published().rows if row.specificity is not None}
    assert {point for point, fill in fills.items() if fill == "white"} == hollow
    scores = report.datasets[0].scores
    assert fills[scores.specificity.value, scores.correctness.value] != "white"


def test_tradeoff_contours_run_through_points_of_their_hm():
    [contours] = [one for one in draw_report(report_of("food101")).axes[0].collections if isinstance(one, ContourSet)]
    assert len(contours.levels) > 3
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        assert level * 40 == pytest.approx(round(level * 40), abs=1e-9)
        x, y = path.vertices.T
        assert 2 * x * y / (x + y) == pytest.approx(level, abs=1e-4)
