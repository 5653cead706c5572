import pytest

from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.plots import plot_report
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, judge_each
from tests.evaluation.report.drawn import FIVE, HOSTILE, check_drawn, report_of


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


@pytest.mark.parametrize("category", [Category.WRONG, Category.SPECIFIC, Category.ABSTAIN])
def test_plot_report_draws_a_run_of_one_category(tmp_path, category):
    for path in plot_report(build_report(judge_each([category] * 5), **about()), tmp_path):
        check_drawn(path)


def test_plot_report_leaves_equal_files_for_equal_reports(tmp_path):
    report = report_of("food101", samples=2)
    one, other = (plot_report(report, tmp_path / name) for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
