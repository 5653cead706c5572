import json
import random
from fractions import Fraction

import pytest

from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import average_metrics, compute_metrics
from tests.evaluation.formula import exact_metrics

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)


def test_compute_metrics_equals_the_formula_for_10_000_random_sets():
    draw = random.Random(7)
    for _ in range(10_000):
        drawn = draw.choices(draw.sample(list(Category), draw.randint(1, 6)), k=draw.randint(1, 40))
        metrics = compute_metrics(drawn)
        expected = [float(figure) for figure in exact_metrics([category.symbol for category in drawn])]
        assert [metrics.correctness, metrics.specificity, metrics.hm] == pytest.approx(expected, rel=0, abs=1e-12)
        assert sum(metrics.counts.values()) == metrics.n == len(drawn)


def test_compute_metrics_worked_example():
    metrics = compute_metrics([A] * 10 + [G] * 15 + [S_MINUS] * 5 + [S] * 20)
    assert metrics.specificity == pytest.approx(0.675, rel=0, abs=1e-12)
    assert metrics.correctness == 1.0
    assert metrics.hm == pytest.approx(float(2 * Fraction(27, 40) / (1 + Fraction(27, 40))), rel=0, abs=1e-12)


def test_compute_metrics_worked_example_at_correctness_085():
    right = [A] * 34 + [G] * 51 + [S_MINUS] * 17 + [S] * 68
    metrics = compute_metrics(right + [W] * 30)
    hm = 2 * Fraction(675, 1000) * Fraction(85, 100) / (Fraction(675, 1000) + Fraction(85, 100))
    assert metrics.correctness == pytest.approx(0.85, rel=0, abs=1e-12)
    assert metrics.specificity == pytest.approx(0.675, rel=0, abs=1e-12)
    assert metrics.hm == pytest.approx(float(hm), rel=0, abs=1e-12)
    assert round(metrics.hm, 4) == 0.7525


@pytest.mark.parametrize(
    ("category", "correctness", "specificity", "hm"),
    [(W, 0, 0, 0), (A, 1, 0.25, 0.4), (G, 1, 0.5, 2 / 3), (S_MINUS, 1, 0.75, 6 / 7), (S, 1, 1, 1), (S_PLUS, 1, 1, 1)],
)
def test_compute_metrics_one_prediction(category, correctness, specificity, hm):
    metrics = compute_metrics([category])
    assert (metrics.correctness, metrics.specificity, metrics.hm) == pytest.approx((correctness, specificity, hm))


def test_compute_metrics_order_and_kind_of_iterable_do_not_matter():
    drawn = [S, W, G, A, S_PLUS, W]
    assert compute_metrics(iter(drawn)) == compute_metrics(reversed(drawn))


def test_compute_metrics_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="no predictions"):
        compute_metrics([])


def test_as_json_holds_all_six_counts_by_symbol():
    plain = json.loads(json.dumps(compute_metrics([S, W, W, A]).as_json()))
    assert plain["counts"] == {"W": 2, "A": 1, "G": 0, "S-": 0, "S": 1, "S+": 0}
    assert set(plain) == {"specificity", "correctness", "hm", "n", "counts"}
    assert plain["n"] == 4


def test_average_metrics_weighs_sets_alike_and_averages_their_hms():
    large, small = compute_metrics([A] * 90 + [S] * 10), compute_metrics([S, W, W, W])
    average = average_metrics([large, small])
    assert average.sets == 2
    assert average.correctness == pytest.approx((1 + 0.25) / 2)
    assert average.specificity == pytest.approx((0.325 + 1) / 2)
    assert average.hm == pytest.approx((2 * 0.325 / 1.325 + 2 * 0.25 / 1.25) / 2)
    of_the_means = 2 * average.correctness * average.specificity / (average.correctness + average.specificity)
    assert average.hm < of_the_means - 0.1


def test_average_metrics_of_no_sets_is_an_error():
    with pytest.raises(ValueError, match="no data sets"):
        average_metrics([])
