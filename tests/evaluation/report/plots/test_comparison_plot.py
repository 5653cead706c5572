from speciarl_verl.evaluation.report.plots import plot_comparison
from tests.evaluation.report.drawn import FIVE, check_drawn, report_of


def test_plot_comparison_draws_all_runs_into_one_scatter(tmp_path):
    reports = [report_of(*FIVE, "cub", run=f"run {i} $x$", seed=i) for i in range(3)]
    paths = plot_comparison(reports, tmp_path)
    assert [path.name for path in paths] == ["compare.png", "compare.svg"]
    for path in paths:
        check_drawn(path)
