import pytest

from speciarl_verl.evaluation.records import OUTCOMES, Judged, Outcome, Prediction, SampleKey
from speciarl_verl.method.category import Category

PREDICTION = Prediction(SampleKey("cub", "a.jpg", 2), "Wren", "<answer>wren</answer>")


@pytest.mark.parametrize("outcome", [*Category, *Outcome])
def test_an_outcome_is_found_by_its_symbol(outcome: Category | Outcome) -> None:
    assert OUTCOMES[Judged(PREDICTION, "wren", outcome).symbol] is outcome


@pytest.mark.parametrize("outcome", Outcome)
def test_what_has_no_category_counts_as_wrong(outcome: Outcome) -> None:
    assert Judged(PREDICTION, None, outcome).counted is Category.WRONG


def test_what_has_one_counts_as_it() -> None:
    assert [Judged(PREDICTION, "wren", category).counted for category in Category] == [*Category]


def test_keys_sort_by_data_set_picture_and_sample_and_name_themselves() -> None:
    keys = [SampleKey("cub", "b", 0), SampleKey("cub", "a", 10), SampleKey("cub", "a", 9), SampleKey("birds", "z", 0)]
    assert sorted(keys) == keys[::-1]
    assert (str(keys[1]), keys[1].picture) == ("cub/a sample 10", ("cub", "a"))
