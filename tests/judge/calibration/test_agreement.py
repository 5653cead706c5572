import math
from collections import Counter

import pytest
from scipy.stats import norm

from speciarl_verl.judge.calibration.agreement import Share, calibrate
from speciarl_verl.judge.calibration.gold import load_gold
from speciarl_verl.judge.protocol import Source, Verdict
from speciarl_verl.method.category import Category

GOLD = load_gold()
BINARY = (Category.WRONG, Category.SPECIFIC)


def confuse(number, category):
    """A judge with a habit: every fifth pair, it goes one category down, W going up."""
    if number % 5:
        return category
    return Category(category - 1) if category else Category.ABSTAIN


EXPECTED = [entry.category for entry in GOLD]
GIVEN = [confuse(number, category) for number, category in enumerate(EXPECTED)]
VERDICTS = [Verdict(category, Source.SERVER) for category in GIVEN]
CALIBRATION = calibrate(GOLD, VERDICTS, Category)


def wilson(count, n):
    z = norm.ppf(0.975)
    p = count / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def test_accuracy_and_its_wilson_interval_are_the_formulas():
    right = len(GOLD) - math.ceil(len(GOLD) / 5)
    accuracy = CALIBRATION.accuracy
    assert (accuracy.count, accuracy.of) == (right, len(GOLD))
    assert accuracy.value == right / len(GOLD)
    assert (accuracy.low, accuracy.high) == pytest.approx(wilson(right, len(GOLD)))


def test_confusion_counts_every_pair_once_expected_by_row():
    pairs = Counter(zip(EXPECTED, GIVEN, strict=True))
    assert CALIBRATION.confusion() == [[pairs[row, column] for column in Category] for row in Category]
    assert sum(map(sum, CALIBRATION.confusion())) == len(GOLD)
    # The habit moves nothing further than one step.
    assert all(count == 0 for (row, column), count in pairs.items() if abs(row - column) > 1)


@pytest.mark.parametrize("category", Category, ids=lambda category: category.symbol)
def test_recall_is_of_the_row_and_precision_of_the_column(category):
    right = sum(e is g is category for e, g in zip(EXPECTED, GIVEN, strict=True))
    assert CALIBRATION.recall(category).value == right / EXPECTED.count(category)
    assert CALIBRATION.precision(category).value == right / GIVEN.count(category)


@pytest.mark.parametrize("trait", ["kind", "domain"])
def test_accuracy_by_trait_splits_the_whole(trait):
    shares = CALIBRATION.accuracy_by(trait)
    for name, share in shares.items():
        numbers = [number for number, entry in enumerate(GOLD) if getattr(entry, trait) == name]
        assert (share.count, share.of) == (sum(number % 5 > 0 for number in numbers), len(numbers))
    assert sum(share.of for share in shares.values()) == len(GOLD)


def test_mistakes_are_the_pairs_of_the_habit():
    assert [mistake.gold for mistake in CALIBRATION.mistakes] == list(GOLD[::5])


def test_menu_of_two_collapses_gold_and_verdicts_to_what_they_reach():
    # Only S and S+ earn the binary reward; the fast path may still say A.
    verdicts = [Verdict(category, Source.SERVER) for category in EXPECTED]
    calibration = calibrate(GOLD, verdicts, BINARY)
    assert calibration.menu == BINARY
    assert calibration.accuracy.value == 1
    fine = sum(category >= Category.SPECIFIC for category in EXPECTED)
    assert calibration.confusion() == [[len(GOLD) - fine, 0], [0, fine]]


def test_menu_of_two_that_takes_parents_raises_them():
    verdicts = [
        Verdict(Category.SPECIFIC if category >= Category.GENERIC else Category.WRONG, Source.SERVER)
        for category in EXPECTED
    ]
    assert calibrate(GOLD, verdicts, BINARY, broader_is_right=True).accuracy.value == 1
    assert calibrate(GOLD, verdicts, BINARY).accuracy.value < 1


def test_menu_without_the_lowest_takes_its_own_lowest():
    verdicts = [Verdict(Category.WRONG, Source.SERVER)]
    calibration = calibrate(GOLD[:1], verdicts, (Category.GENERIC, Category.SPECIFIC))
    assert calibration.judgements[0].given is Category.GENERIC


def test_calibrate_verdicts_of_other_pairs_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        calibrate(GOLD, VERDICTS[1:], Category)


@pytest.mark.parametrize(("count", "of"), [(0, 7), (7, 7), (3, 7)])
def test_share_stays_within_its_interval(count, of):
    share = Share.measure(count, of)
    assert (share.low, share.high) == pytest.approx(wilson(count, of), abs=1e-12)
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_share_of_nothing_has_no_value():
    assert Share.measure(0, 0) == Share(0, 0, None, None, None)
