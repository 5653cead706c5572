import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.grouping import JudgedPicture, common_pictures, counted, group_by_dataset
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


def test_samples_come_sorted_in_the_papers_order_whatever_theirs() -> None:
    judged = [
        judge(SPECIFIC, dataset=dataset, image=image, sample=sample)
        for dataset in ("zoo", "cub", "food101")
        for image in ("b", "a")
        for sample in (1, 0)
    ]
    grouped = group_by_dataset(judged, 2)
    assert list(grouped) == ["food101", "cub", "zoo"]
    assert [picture.image for picture in grouped["zoo"]] == ["a", "b"]
    assert [one.prediction.key.sample for one in grouped["zoo"][0].samples] == [0, 1]
    assert counted(grouped["zoo"]) == [(SPECIFIC, SPECIFIC)] * 2


def test_common_pictures_are_those_of_all_runs_each_with_its_own_samples() -> None:
    def run(category: Category, **images: str) -> dict[str, list[JudgedPicture]]:
        return group_by_dataset(
            [judge(category, dataset=name, image=image) for name, several in images.items() for image in several], 1
        )

    one, other = common_pictures([run(SPECIFIC, cub="abc", food101="x", zoo="q"), run(WRONG, cub="dcb", food101="y")])
    assert {name: [picture.image for picture in pictures] for name, pictures in one.items()} == {"cub": ["b", "c"]}
    assert counted(one["cub"]) == [(SPECIFIC,)] * 2
    assert counted(other["cub"]) == [(WRONG,)] * 2
    assert common_pictures([run(SPECIFIC, cub="a"), run(SPECIFIC, zoo="a")]) == [{}, {}]
