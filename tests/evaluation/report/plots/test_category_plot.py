import pytest

from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.plots import plot_report
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, judge_each
from tests.evaluation.report.drawn import pixels


def test_plot_report_shows_shares_in_proportion(tmp_path):
    categories = [Category.WRONG] * 3 + [Category.SPECIFIC]
    plot_report(build_report(judge_each(categories), **about()), tmp_path)
    drawn = pixels(tmp_path / "categories.png")
    wrong, specific = (
        int((drawn == colour).all(axis=2).sum(axis=1).max()) for colour in ([0xD5, 0x5E, 0x00], [0x1C, 0x62, 0xA5])
    )
    assert wrong / specific == pytest.approx(3, rel=0.08)
