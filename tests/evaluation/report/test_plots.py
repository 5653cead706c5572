from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.contour import ContourSet
from PIL import Image

from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.plots import plot_comparison, plot_report
from speciarl_verl.evaluation.report.plots.tradeoff_plot import draw_report
from speciarl_verl.evaluation.report.published import published
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, draw, judge_each

FIVE = ("flowers102", "food101", "oxford_pets", "stanford_cars", "fgvc_aircraft")
HOSTILE = ("$\\frac{1}$ & <b>", "-->]]>", "a\x00b\x1b[1m \ud800", "犬 ü 🐶", "x" * 300, "$", "\\", "%_^")


def report_of(*names, samples=1, run="a run", images=24, **drawing):
    judged = [one for name in names for one in draw(name, images, samples=samples, **drawing)]
    return build_report(judged, **about(run, samples=samples))


def pixels(path):
    with Image.open(path) as image:
        image.load()
        return np.asarray(image.convert("RGB"))


def check_drawn(path):
    if path.suffix == ".svg":
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        return
    drawn = pixels(path)
    assert drawn.shape[1] in (1200, 1425)
    assert 250 <= drawn.shape[0] <= 2000
    inked = (drawn < 250).any(axis=2)
    # Ink, and none of it cut off at the edges.
    assert 0.005 < inked.mean() < 0.95
    assert not inked[0].any()
    assert not inked[-1].any()
    assert not inked[:, 0].any()


@pytest.mark.parametrize(("names", "samples"), [(("cub",), 1), ((*FIVE, "cub"), 1), ((*FIVE, "cub"), 8)])
def test_plot_report_draws_every_plot_as_png_and_svg(tmp_path, names, samples):
    paths = plot_report(report_of(*names, samples=samples), tmp_path)
    plots = ["tradeoff", "categories"] + ["best_of"] * (samples > 1) + [f"confusions_{name}" for name in names]
    assert [path.name for path in paths] == [f"{plot}.{kind}" for plot in plots for kind in ("png", "svg")]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        check_drawn(path)


@pytest.mark.filterwarnings("error")
def test_plot_report_draws_names_and_answers_of_any_kind(tmp_path):
    report = report_of("$set$_\\x", run="$\\bad{$ run", images=200, answers=HOSTILE)
    paths = plot_report(report, tmp_path)
    assert tmp_path / "confusions_set_1.png" in paths
    for path in paths:
        check_drawn(path)


def test_plot_report_of_200_classes_draws_the_worst_only(tmp_path):
    few, many = (report_of("cub", images=2000, classes=classes) for classes in (15, 200))
    heights = []
    for report, name in ((few, "few"), (many, "many")):
        plot_report(report, tmp_path / name)
        heights.append(pixels(tmp_path / name / "confusions_cub.png").shape[0])
    assert heights[0] == heights[1]


@pytest.mark.parametrize("category", [Category.WRONG, Category.SPECIFIC, Category.ABSTAIN])
def test_plot_report_draws_a_run_of_one_category(tmp_path, category):
    for path in plot_report(build_report(judge_each([category] * 5), **about()), tmp_path):
        check_drawn(path)


def test_plot_report_leaves_equal_files_for_equal_reports(tmp_path):
    report = report_of("food101", samples=2)
    one, other = (plot_report(report, tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_plot_report_shows_shares_in_proportion(tmp_path):
    categories = [Category.WRONG] * 3 + [Category.SPECIFIC]
    plot_report(build_report(judge_each(categories), **about()), tmp_path)
    drawn = pixels(tmp_path / "categories.png")
    wrong, specific = (
        int((drawn == colour).all(axis=2).sum(axis=1).max()) for colour in ([0xD5, 0x5E, 0x00], [0x1C, 0x62, 0xA5])
    )
    assert wrong / specific == pytest.approx(3, rel=0.08)


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


def test_plot_comparison_draws_all_runs_into_one_scatter(tmp_path):
    reports = [report_of(*FIVE, "cub", run=f"run {i} $x$", seed=i) for i in range(3)]
    paths = plot_comparison(reports, tmp_path)
    assert [path.name for path in paths] == ["compare.png", "compare.svg"]
    for path in paths:
        check_drawn(path)
