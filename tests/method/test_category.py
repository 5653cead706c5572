import pytest

from speciarl_verl.method.category import Category


def test_category_order_is_the_papers():
    assert [category.symbol for category in sorted(Category)] == ["W", "A", "G", "S-", "S", "S+"]


def test_category_scores_are_the_papers():
    scores = {category.symbol: category.specificity_score for category in Category}
    assert scores == {"W": 0, "A": 1, "G": 2, "S-": 3, "S": 4, "S+": 4}


def test_category_only_wrong_is_not_correct():
    assert [category for category in Category if not category.is_correct] == [Category.WRONG]


@pytest.mark.parametrize("category", Category)
def test_from_label_reads_label_and_symbol(category):
    assert Category.from_label(category.label) is category
    assert Category.from_label(f" {category.label.upper()}\n") is category
    assert Category.from_label(category.symbol.lower()) is category


@pytest.mark.parametrize(
    "text", ["", "specific.", "less_specific", "less  specific", "more", "S++", "5", "wrong or generic"]
)
def test_from_label_anything_else_is_named_in_the_error(text):
    with pytest.raises(ValueError, match="unknown category") as error:
        Category.from_label(text)
    assert repr(text) in str(error.value)
    assert "less specific" in str(error.value)
