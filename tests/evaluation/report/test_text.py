from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.text import latex_report, markdown_report
from tests.evaluation.judged_lists import about, draw
from tests.evaluation.report.rendered import rendered, report_of


def test_reports_warn_above_everything_else():
    judged = draw("food101", 10)
    report = build_report(judged, **about(training_judge="x/Llama-3-70B-Instruct"))
    page, tex = markdown_report(report, []), latex_report(report)
    assert page.index("**Warning.** The judge, meta-llama/Llama-3-70B-Instruct") < page.index("##")
    assert tex.index("% Warning: The judge") < tex.index(r"\begin")


def test_markdown_report_names_the_data_sets_that_a_mean_lacks():
    page = markdown_report(report_of("food101", "flowers102"), [])
    assert "There is no mean, fine-grained, without OxfordPets." in page
    assert "very fine-grained, without" not in page


def test_latex_report_keeps_a_name_of_many_lines_within_its_comment():
    tex = latex_report(report_of("cub", run="one\n\\end{document}\ntwo"))
    assert tex.splitlines()[0] == r"% one \end{document} two"


def test_markdown_report_escapes_wrong_answers():
    answer = "<img src=x onerror=alert(1)> | $a$ *b*"
    report = build_report(draw("cub", 40, answers=(answer,)), **about())
    page = markdown_report(report, [])
    rows = [row for row in rendered(page) if len(row) == 4 and row[0].startswith("class")]
    assert rows
    assert all(row[3].startswith(answer + " (") for row in rows)
    assert "<img" not in page.replace(r"\<", "")
