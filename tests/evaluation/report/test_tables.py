import re

import pytest

from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.report.latex import latex_table
from speciarl_verl.evaluation.report.markdown import markdown_table
from speciarl_verl.evaluation.report.tables import (
    Column,
    PValue,
    Table,
    TableRow,
    best_of_table,
    conti_table,
    published_table,
    result_tables,
    share_table,
)
from speciarl_verl.evaluation.report.text import markdown_report
from tests.evaluation.report.rendered import FIVE, latex_rows, rendered, report_of


def test_result_tables_have_specificity_correctness_and_hm_of_every_set_and_mean():
    report = report_of(*FIVE)
    fine, very_fine, everything = result_tables([report])
    assert [column.title for column in fine.columns] == ["Flowers102", "Food101", "OxfordPets", "mean, fine-grained"]
    assert [column.title for column in very_fine.columns] == ["StanfordCars", "FGVCAircraft", "mean, very fine-grained"]
    scores = [dataset.scores for dataset in report.datasets[:3]] + [report.averages[0].scores]
    assert fine.rows[0].cells == tuple(cell for s in scores for cell in (s.specificity, s.correctness, s.hm))
    whole = report.averages[2].scores
    assert everything.rows[0].cells == (whole.specificity, whole.correctness, whole.hm)


def test_result_tables_keep_published_rows_apart_and_only_as_means():
    fine, very_fine, everything = result_tables([report_of(*FIVE)])
    assert [row.published for row in fine.rows] == [False] + [True] * 6
    assert fine.rows[3].label == "SFT"
    assert fine.rows[3].cells == (None,) * 9 + (0.935, 0.807, 0.866)
    assert {row.label: row.cells[-1] for row in very_fine.rows if row.published}["SpeciaRL"] == 0.830
    assert not any(row.published for row in everything.rows)


def test_result_tables_show_a_missing_data_set_as_missing():
    fine, everything = result_tables([report_of("food101")])
    assert fine.rows[0].cells[:3] == fine.rows[0].cells[6:12][:3] == (None,) * 3
    assert fine.rows[0].cells[9:] == (None,) * 3
    assert everything.rows[0].cells == (None,) * 3
    shown = rendered(markdown_table(fine))[1]
    assert shown[1:4] == shown[7:][:3] == ["-", "-", "-"]
    assert shown[4] != "-"


def test_result_tables_of_other_data_sets_have_no_published_rows():
    tables = result_tables([report_of("birds", "cub", "more", "sets", "here")])
    assert [len(table.columns) for table in tables] == [4, 1]
    assert not any(row.published for table in tables for row in table.rows)


@pytest.mark.parametrize("render", [markdown_table, latex_table])
def test_tables_show_a_small_p_as_a_bound(render):
    row = TableRow("a", (PValue(0.0004), PValue(0.0341), 1234, None))
    text = render(Table("p", "P", "row", (Column("", ("p", "q", "n", "m")),), (row,)))
    assert "0.000" not in text
    assert re.search(r"<\$?0\.001", text)
    assert "0.034" in text
    assert "1,234" in text


def test_tables_escape_names_of_runs_and_data_sets():
    report = report_of("set|50%_$x$&", run="run|50%_$x$&<b>")
    assert rendered(markdown_table(result_tables([report])[0]))[1][0] == "run|50%_$x$&<b>"
    assert rendered(markdown_table(share_table([report])))[1][0] == "set|50%_$x$&"
    text = latex_table(share_table([report]))
    assert r"set\textbar{}50\%\_\$x\$\&" in text
    assert {len(row) for row in latex_rows(text)[1:]} == {10}


def test_share_table_has_all_eight_outcomes():
    report = report_of("cub")
    [row] = share_table([report]).rows
    assert row.cells[0] == 12
    assert row.cells[1:] == tuple(share.share for share in report.datasets[0].shares.values())
    assert sum(row.cells[1:]) == pytest.approx(1)


@pytest.mark.parametrize(("samples", "shown"), [(6, ["1", "2", "4", "6"]), (8, ["1", "2", "4", "8"])])
def test_best_of_table_has_powers_of_two_and_the_last(samples, shown):
    report = report_of("cub", samples=samples)
    table = best_of_table(report)
    assert [row.label for row in table.rows] == shown
    last = report.datasets[0].best_of[-1]
    assert table.rows[-1].cells == (last.specificity, last.correctness, last.hm)


def test_best_of_table_is_not_there_for_one_sample():
    assert best_of_table(report_of("cub")) is None


def test_conti_table_shows_a_score_that_is_off_as_missing():
    scores = {"cub": ContiScores(0.5, None, 0.25, 0.125, {"llama_inclusion": "no LLM was given"})}
    report = report_of("cub", conti=scores)
    assert conti_table([report]).rows[0].cells == (0.5, None, 0.25, 0.125)
    assert "CUB, llama inclusion: no LLM was given" in markdown_report(report, [])
    assert conti_table([report_of("cub")]) is None


def test_published_table_holds_every_published_figure_and_no_other():
    cells = {row.label: row.cells for row in published_table().rows}
    assert cells["SpeciaRL"] == (0.920, 0.848, 0.883, None, None, 0.830)
    assert cells["Qwen2.5-VL-7B zero-shot"] == (0.742, 0.846, 0.790, None, None, None)
    assert all(row.published for row in published_table().rows)
