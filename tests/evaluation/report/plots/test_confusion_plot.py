from speciarl_verl.evaluation.report.plots import plot_report
from tests.evaluation.report.drawn import pixels, report_of


def test_plot_report_of_200_classes_draws_the_worst_only(tmp_path):
    few, many = (report_of("cub", images=2000, classes=classes) for classes in (15, 200))
    heights = []
    for report, name in ((few, "few"), (many, "many")):
        plot_report(report, tmp_path / name)
        heights.append(pixels(tmp_path / name / "confusions_cub.png").shape[0])
    assert heights[0] == heights[1]
