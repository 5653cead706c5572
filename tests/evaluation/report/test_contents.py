import pytest

from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.contents import Report
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, judge_each

SPECIFIC = Category.SPECIFIC


def test_report_refuses_an_unknown_field():
    text = build_report(judge_each([SPECIFIC]), **about()).model_dump_json()
    with pytest.raises(ValueError, match="Extra inputs"):
        Report.model_validate_json(text[:-1] + ', "more": 1}')
