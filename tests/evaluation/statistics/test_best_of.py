import random
from fractions import Fraction
from itertools import combinations, pairwise, product
from math import comb, prod

import pytest

from speciarl_verl.evaluation.statistics.best_of import best_of_curve
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics
from tests.evaluation.formula import POINTS, exact_metrics

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)


def random_samples(seed, images, size):
    draw = random.Random(seed)
    return [draw.choices(list(Category), [4, 1, 2, 2, 3, 1], k=size) for _ in range(images)]


def brute_force(samples, k):
    """The metrics of the counts expected over all choices of k samples an image, each image by itself."""
    counts = dict.fromkeys(Category, Fraction(0))
    for image in samples:
        choices = list(combinations(image, k))
        for choice in choices:
            counts[max(choice)] += Fraction(1, len(choices))
    right = len(samples) - counts[W]
    corr = right / len(samples)
    points = sum(POINTS[category.symbol] * count for category, count in counts.items())
    spec = points / right / 4 if right else Fraction(0)
    return corr, spec, 2 * corr * spec / (corr + spec) if corr + spec else Fraction(0)


@pytest.mark.parametrize(("images", "size"), [(1, 1), (1, 4), (3, 2), (7, 5), (12, 8)])
def test_best_of_curve_equals_all_choices_of_samples(images, size):
    samples = random_samples(images, images, size)
    curve = best_of_curve(samples)
    assert [best.k for best in curve] == list(range(1, size + 1))
    for best in curve:
        expected = [float(figure) for figure in brute_force(samples, best.k)]
        assert [best.correctness, best.specificity, best.hm] == pytest.approx(expected, rel=0, abs=1e-12)


def test_best_of_curve_correctness_is_the_mean_over_joint_choices_of_all_images():
    samples = random_samples(5, images=3, size=4)
    for best in best_of_curve(samples):
        choices = product(*(combinations(image, best.k) for image in samples))
        correct = [exact_metrics([max(chosen).symbol for chosen in choice])[0] for choice in choices]
        assert best.correctness == pytest.approx(float(sum(correct) / len(correct)), rel=0, abs=1e-12)


def test_best_of_curve_starts_at_the_pooled_metrics_and_ends_at_the_best_of_each_image():
    samples = random_samples(6, images=40, size=6)
    curve = best_of_curve(samples)
    pooled = compute_metrics(category for image in samples for category in image)
    best = compute_metrics(max(image) for image in samples)
    for end, metrics in ((curve[0], pooled), (curve[-1], best)):
        expected = (metrics.correctness, metrics.specificity, metrics.hm)
        assert (end.correctness, end.specificity, end.hm) == pytest.approx(expected, rel=0, abs=1e-12)


def test_best_of_curve_correctness_never_falls():
    curve = best_of_curve(random_samples(7, images=30, size=16))
    assert all(later.correctness >= earlier.correctness for earlier, later in pairwise(curve))


def test_best_of_curve_does_not_depend_on_the_order_of_samples_or_images():
    samples = random_samples(8, images=9, size=5)
    assert best_of_curve([image[::-1] for image in samples[::-1]]) == best_of_curve(samples)


def test_best_of_curve_all_wrong_is_zero_everywhere():
    for best in best_of_curve([[W, W], [W, W]]):
        assert (best.correctness, best.specificity, best.hm) == (0, 0, 0)


def test_best_of_curve_64_samples_one_of_them_right():
    curve = best_of_curve([[W] * 63 + [S]] * 10)
    for best in curve:
        assert best.correctness == pytest.approx(best.k / 64, rel=0, abs=1e-12)
        assert best.specificity == pytest.approx(1, rel=0, abs=1e-12)


def test_best_of_curve_half_right_is_the_hypergeometric_share():
    for best in best_of_curve([[W] * 32 + [S] * 32]):
        wrong = prod(Fraction(32 - i, 64 - i) for i in range(best.k))
        assert wrong == Fraction(comb(32, best.k), comb(64, best.k))
        assert best.correctness == pytest.approx(float(1 - wrong), rel=0, abs=1e-12)


def test_best_of_curve_unequal_numbers_of_samples_are_an_error():
    with pytest.raises(ValueError, match="as many samples of every image, not 1 to 2"):
        best_of_curve([[S, W], [S]])


def test_best_of_curve_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="no predictions"):
        best_of_curve([])
