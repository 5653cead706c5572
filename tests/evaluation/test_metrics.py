import json
import random

import pytest

from speciarl_verl.category import Category
from speciarl_verl.evaluation.metrics import compute_metrics

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)


def formula(symbols):
    """METHOD.md's three lines, on the paper's symbols."""
    n, n_wrong = len(symbols), symbols.count("W")
    points = {"A": 1, "G": 2, "S-": 3, "S": 4, "S+": 4}
    corr = 1 - n_wrong / n
    spec = 0.25 * sum(points[symbol] for symbol in symbols if symbol != "W") / (n - n_wrong) if n_wrong < n else 0.0
    return corr, spec, 2 * spec * corr / (spec + corr) if spec + corr else 0.0


def test_compute_metrics_equals_the_formula_for_10_000_random_sets():
    draw = random.Random(7)
    for _ in range(10_000):
        drawn = draw.choices(draw.sample(list(Category), draw.randint(1, 6)), k=draw.randint(1, 40))
        metrics = compute_metrics(drawn)
        expected = formula([category.symbol for category in drawn])
        assert (metrics.correctness, metrics.specificity, metrics.hm) == pytest.approx(expected, abs=1e-12)
        assert sum(metrics.counts.values()) == metrics.n == len(drawn)


def test_compute_metrics_worked_example():
    metrics = compute_metrics([A] * 10 + [G] * 15 + [S_MINUS] * 5 + [S] * 20)
    assert metrics.specificity == pytest.approx(0.675)
    assert metrics.correctness == 1.0
    assert metrics.hm == pytest.approx(0.8060, abs=5e-5)


def test_compute_metrics_worked_example_at_correctness_085():
    right = [A] * 34 + [G] * 51 + [S_MINUS] * 17 + [S] * 68
    metrics = compute_metrics(right + [W] * 30)
    assert metrics.correctness == pytest.approx(0.85)
    assert metrics.specificity == pytest.approx(0.675)
    assert metrics.hm == pytest.approx(0.7525, abs=5e-5)


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
