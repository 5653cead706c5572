from speciarl_verl.evaluation.report.markdown import markdown_table
from speciarl_verl.evaluation.report.tables import (
    result_tables,
)
from tests.evaluation.report.rendered import rendered, report_of


def test_markdown_table_has_three_decimals_and_intervals():
    report = report_of("cub")
    scores = report.datasets[0].scores
    [_, row] = rendered(markdown_table(result_tables([report])[0]))
    expected = [
        f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in (scores.specificity, scores.correctness, scores.hm)
    ]
    assert row == ["a run", *expected]


def test_markdown_table_marks_published_rows_and_names_their_source():
    text = markdown_table(result_tables([report_of("food101")])[0])
    labels = [row[0] for row in rendered(text)[1:]]
    assert labels[0] == "a run"
    assert all(label.startswith("published: ") for label in labels[1:])
    assert "arXiv 2603.03197" in text
    assert "not measured here" in text
