import re

from speciarl_verl.evaluation.report.latex import latex_table
from speciarl_verl.evaluation.report.tables import (
    result_tables,
)
from tests.evaluation.report.rendered import FIVE, latex_rows, report_of


def test_latex_table_is_a_booktabs_table_of_equal_rows():
    text = latex_table(result_tables([report_of(*FIVE)])[0])
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert text.count(r"\midrule") == 2
    widths = [
        sum(int(found.group(1)) if (found := re.search(r"multicolumn\{(\d+)\}", cell)) else 1 for cell in row)
        for row in latex_rows(text)
    ]
    assert set(widths) == {13}
    assert text.index("Published, not measured here: arXiv 2603.03197") < text.index("SFT")


def test_latex_table_rounds_to_three_decimals():
    report = report_of("cub")
    scores = report.datasets[0].scores
    row = latex_rows(latex_table(result_tables([report])[0]))[-1]
    assert [float(cell) for cell in row[1:]] == [
        round(e.value, 3) for e in (scores.specificity, scores.correctness, scores.hm)
    ]
