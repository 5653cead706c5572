from collections import Counter

from speciarl_verl.evaluation.records import Outcome
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.method.category import Category
from tests.evaluation.judged_lists import about, draw, judge

WRONG, SPECIFIC = Category.WRONG, Category.SPECIFIC


def test_build_report_names_the_worst_classes_and_their_most_common_wrong_answers():
    answers = ["Poodle", "poodle ", "beagle", "  POODLE", "poodle"]
    judged = [judge(WRONG, image=f"a{i}", truth="Collie", answer=answer) for i, answer in enumerate(answers)]
    judged += [judge(WRONG, image="b0", truth="Teal"), judge(Outcome.UNPARSEABLE, image="b1", truth="Teal")]
    judged += [judge(Outcome.FAILED, image="c0", truth="Gull"), judge(SPECIFIC, image="a9", truth="Collie")]
    [dataset] = build_report(judged, **about()).datasets
    collie, teal = dataset.confusions
    assert (collie.ground_truth, collie.n, collie.wrong) == ("Collie", 6, 5)
    assert [(wrong.answer, wrong.count) for wrong in collie.answers] == [("poodle", 4), ("beagle", 1)]
    assert (teal.ground_truth, teal.n, teal.wrong, teal.without_answer) == ("Teal", 2, 1, 1)


def test_build_report_counts_every_wrong_answer_of_a_class():
    judged = draw("cub", 400, classes=3)
    [dataset] = build_report(judged, **about()).datasets
    expected = Counter(one.prediction.ground_truth for one in judged if one.outcome is WRONG)
    assert {confused.ground_truth: confused.wrong for confused in dataset.confusions} == expected
    for confused in dataset.confusions:
        assert sum(wrong.count for wrong in confused.answers) == confused.wrong
