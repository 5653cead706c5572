import sys

import pytest

from speciarl_verl.errors import EvaluationError, InputError
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.folders import read_finished, read_report, write_report
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, draw, judge_each

SPECIFIC = Category.SPECIFIC


def test_write_report_leaves_all_files_and_reads_back(tmp_path):
    report = build_report(draw("cub", 30, answers=("\ud800 lone", "plain")), **about())
    write_report(report, tmp_path)
    assert read_report(tmp_path) == report
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    plots = {f"plots/{name}.{kind}" for name in ("tradeoff", "categories", "confusions_cub") for kind in ("png", "svg")}
    assert files == {"report.json", "report.md", "report.tex"} | plots
    page = (tmp_path / "report.md").read_text()
    assert all(f"]({plot})" in page for plot in plots if plot.endswith("png"))


def test_write_report_without_matplotlib_names_the_extra_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(EvaluationError, match=r"matplotlib: pip install 'speciarl_verl\[evaluate\]'"):
        write_report(build_report(judge_each([SPECIFIC]), **about()), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "holds no report.json", id="none"),
        pytest.param("{", "report.json: not of this version", id="torn"),
        pytest.param('{"about": 3}', "report.json: not of this version", id="another shape"),
        pytest.param("version 1", r"not of this version \(schema_version: Input should be 2\)", id="another version"),
    ],
)
def test_read_report_refuses_what_is_no_report_in_one_line(tmp_path, text, words):
    if text == "version 1":
        report = build_report(judge_each([SPECIFIC]), **about())
        text = report.model_copy(update={"schema_version": 1}).model_dump_json()
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(EvaluationError, match=words) as refused:
        read_report(tmp_path)
    assert "\n" not in str(refused.value)


def test_write_report_into_what_is_no_folder_names_it(tmp_path):
    (tmp_path / "plots").write_text("")
    with pytest.raises(InputError, match=r"plots/tradeoff\.png: cannot be written"):
        write_report(build_report(judge_each([SPECIFIC]), **about()), tmp_path)


def test_read_finished_refuses_verdicts_that_are_not_the_reports(tmp_path):
    judged = judge_each([SPECIFIC] * 3)
    (tmp_path / "report.json").write_text(build_report(judged, **about()).model_dump_json())
    journal = verdicts_journal(tmp_path)
    journal.append(judged[:2])
    with pytest.raises(EvaluationError, match="its report is of 3 samples, its verdicts are 2"):
        read_finished(tmp_path)
    journal.append(judged[2:])
    assert read_finished(tmp_path).judged == judged
