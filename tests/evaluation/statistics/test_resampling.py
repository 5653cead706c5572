import random

import numpy as np
import pytest

from speciarl_verl.evaluation.statistics import resampling
from speciarl_verl.evaluation.statistics.resampling import counts_per_image, figures_of, resampled_totals
from speciarl_verl.method.category import Category
from tests.evaluation.formula import exact_metrics

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)


def test_figures_of_equal_the_formula_for_10_000_random_sets():
    draw = random.Random(8)
    sets = [draw.choices(draw.sample(list(Category), draw.randint(1, 6)), k=draw.randint(1, 40)) for _ in range(10_000)]
    figures = figures_of(np.array([[drawn.count(category) for category in Category] for drawn in sets]))
    expected = np.array([[float(x) for x in exact_metrics([c.symbol for c in drawn])] for drawn in sets])
    for values, column in zip((figures.correctness, figures.specificity, figures.hm), expected.T, strict=True):
        np.testing.assert_allclose(values, column, rtol=0, atol=1e-12)


def test_counts_per_image_count_each_image_by_itself():
    counts = counts_per_image([[S, S, W], [A], [S_PLUS, G]])
    assert counts.tolist() == [[1, 0, 0, 0, 2, 0], [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1]]


@pytest.mark.parametrize(
    ("samples", "message"), [([], "no predictions"), ([[S], [], [W]], "image 1 of 3 has no sample")]
)
def test_counts_per_image_missing_predictions_are_an_error(samples, message):
    with pytest.raises(ValueError, match=message):
        counts_per_image(samples)


def test_resampled_totals_have_the_moments_of_drawing_images():
    counts = counts_per_image([[S, S], [W, W], [S, W], [G, G], [G, G]])
    totals = resampled_totals(counts, 40_000, np.random.default_rng(0))
    assert (totals.sum(axis=1) == 10).all()
    # A sum of 5 independent draws of a row: mean and variance are 5 times the row's.
    assert totals.mean(axis=0) == pytest.approx(5 * counts.mean(axis=0), abs=0.03)
    assert totals.var(axis=0) == pytest.approx(5 * counts.var(axis=0), rel=0.03, abs=1e-9)


def test_resampled_totals_do_not_depend_on_the_order_of_images():
    counts = counts_per_image([[S, W], [S, S], [G, A], [S, W], [W, W]])
    drawn = [resampled_totals(rows, 50, np.random.default_rng(3)) for rows in (counts, counts[::-1])]
    assert (drawn[0] == drawn[1]).all()


def test_resampled_totals_drawn_in_chunks_are_the_same_draws(monkeypatch):
    counts = counts_per_image([[S], [W], [G], [A]])
    whole = resampled_totals(counts, 25, np.random.default_rng(5))
    monkeypatch.setattr(resampling, "_CELLS_AT_ONCE", 40)
    assert (resampled_totals(counts, 25, np.random.default_rng(5)) == whole).all()


def test_resampled_totals_of_no_resamples_is_an_error():
    with pytest.raises(ValueError, match="resamples must be at least 1, not 0"):
        resampled_totals(counts_per_image([[S]]), 0, np.random.default_rng(0))
