import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, judge

WRONG, SPECIFIC = Category.WRONG, Category.SPECIFIC


@pytest.mark.parametrize(
    ("judged", "samples", "words"),
    [
        pytest.param([], 1, "no judged predictions", id="none"),
        pytest.param([judge(WRONG), judge(SPECIFIC)], 1, r"cub/0\.jpg has sample 0 twice", id="twice"),
        pytest.param([judge(WRONG, sample=1)], 2, r"cub/0\.jpg has 1 of 2 samples", id="missing"),
        pytest.param([judge(WRONG), judge(WRONG, sample=1)], 1, r"cub/0\.jpg has 2 of 1 samples", id="too many"),
        pytest.param(
            [judge(WRONG, truth="Teal"), judge(WRONG, sample=1)],
            2,
            "two ground truths, 'Mallard' and 'Teal'",
            id="truth",
        ),
    ],
)
def test_build_report_refuses_what_is_not_one_whole_run_in_one_line(judged, samples, words):
    with pytest.raises(EvaluationError, match=words) as refused:
        build_report(judged, **about(samples=samples))
    assert "\n" not in str(refused.value)
