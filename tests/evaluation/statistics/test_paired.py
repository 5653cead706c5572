from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from speciarl_verl.evaluation.statistics.paired import mcnemar, paired_bootstrap_hm
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)
SIMULATIONS = 500


def outcomes(only_first, only_second, both=3, neither=2):
    pairs = [(True, False)] * only_first + [(False, True)] * only_second + [(True, True)] * both
    return zip(*(pairs + [(False, False)] * neither), strict=True)


def closed_form(only_first, only_second):
    """Twice the smaller tail of a fair coin, at most 1."""
    n, fewer = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(comb(n, i) for i in range(fewer + 1)) / 2**n)


@pytest.mark.parametrize("only_first", range(0, 25, 3))
@pytest.mark.parametrize("only_second", [0, 1, 6, 24])
def test_mcnemar_equals_the_closed_form(only_first, only_second):
    test = mcnemar(*outcomes(only_first, only_second))
    assert (test.only_first, test.only_second) == (only_first, only_second)
    assert test.p_value == pytest.approx(closed_form(only_first, only_second), rel=1e-9)


def test_mcnemar_of_runs_that_never_differ_is_one():
    assert mcnemar(*outcomes(0, 0)).p_value == 1.0


@pytest.mark.parametrize("test", [mcnemar, paired_bootstrap_hm])
def test_paired_tests_of_different_numbers_of_images_are_an_error(test):
    with pytest.raises(ValueError, match="the same images in both runs, not 2 and 1"):
        test([S, W], [S])


@pytest.mark.parametrize("test", [mcnemar, paired_bootstrap_hm])
def test_paired_tests_of_nothing_are_an_error(test):
    with pytest.raises(ValueError, match="no images"):
        test([], [])


def simulated_runs(generator, images, gain):
    """Two runs over images of differing difficulty; with probability `gain` an answer of the second becomes S."""
    levels = generator.choice([1, 2, 3, 4], size=images, p=[0.2, 0.2, 0.2, 0.4])
    runs = [np.where(generator.random(images) < 0.25, 0, np.minimum(levels, 4)) for _ in range(2)]
    runs[1] = np.where(generator.random(images) < gain, 4, runs[1])
    return [[Category(value) for value in run.tolist()] for run in runs]


def of_images(first, second, **options):
    """The bootstrap of runs with one category an image."""
    return paired_bootstrap_hm(*([(category,) for category in run] for run in (first, second)), **options)


def simulated_p_values(gain, images=250):
    values = []
    for seed in range(SIMULATIONS):
        first, second = simulated_runs(np.random.default_rng(seed), images, gain)
        values.append(of_images(first, second, resamples=600, seed=seed).p_value)
    return np.array(values)


def test_paired_bootstrap_hm_p_values_are_uniform_where_the_runs_are_alike():
    values = simulated_p_values(gain=0.0)
    for threshold in (0.05, 0.2, 0.5, 0.8):
        low, high = binom.ppf([0.0005, 0.9995], SIMULATIONS, threshold)
        assert low <= np.count_nonzero(values <= threshold) <= high, threshold


def test_paired_bootstrap_hm_p_values_are_small_where_the_second_is_better():
    values = simulated_p_values(gain=0.25)
    assert np.mean(values < 0.05) > 0.9


def test_paired_bootstrap_hm_is_the_difference_of_the_metrics():
    first, second = simulated_runs(np.random.default_rng(1), 300, 0.1)
    expected = compute_metrics(second).hm - compute_metrics(first).hm
    gained = of_images(first, second)
    assert gained.difference.value == pytest.approx(expected, rel=0, abs=1e-12)
    assert gained.difference.low < gained.difference.value < gained.difference.high


def test_paired_bootstrap_hm_of_swapped_runs_has_the_other_sign():
    first, second = simulated_runs(np.random.default_rng(2), 300, 0.05)
    gained, lost = of_images(first, second), of_images(second, first)
    assert lost.difference.value == -gained.difference.value
    assert (lost.difference.low, lost.difference.high) == pytest.approx(
        (-gained.difference.high, -gained.difference.low), abs=0.005
    )


@pytest.mark.parametrize("seed", range(12))
def test_paired_bootstrap_hm_interval_leaves_zero_out_exactly_when_p_is_below_5_percent(seed):
    first, second = simulated_runs(np.random.default_rng(seed), 200, 0.02 * seed)
    gained = of_images(first, second, resamples=4000)
    if abs(gained.p_value - 0.05) > 0.005:
        assert (gained.p_value < 0.05) == (not gained.difference.low <= 0 <= gained.difference.high)


def test_paired_bootstrap_hm_is_narrower_than_unpaired_where_the_runs_agree():
    first, _ = simulated_runs(np.random.default_rng(3), 400, 0.0)
    second = [*first[:390], *[S] * 10]
    paired = of_images(first, second).difference
    shuffled = list(np.random.default_rng(4).permutation(np.array(second, dtype=object)))
    unpaired = of_images(first, shuffled).difference
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


def test_paired_bootstrap_hm_of_equal_runs_is_no_difference():
    run = [S, W, G, S_PLUS] * 10
    same = of_images(run, run)
    assert (same.difference.value, same.difference.low, same.difference.high, same.p_value) == (0, 0, 0, 1)


def test_paired_bootstrap_hm_p_value_is_never_zero():
    gained = of_images([W] * 50, [S] * 50, resamples=999)
    assert (gained.difference.value, gained.p_value) == (1.0, pytest.approx(2 / 1000))


def test_paired_bootstrap_hm_of_one_seed_is_equal_and_does_not_depend_on_order():
    first, second = simulated_runs(np.random.default_rng(5), 120, 0.1)
    assert of_images(first[::-1], second[::-1]) == of_images(first, second)


def test_paired_bootstrap_hm_of_samples_pools_runs_with_different_numbers_of_samples():
    first, second = [[S, W], [G, G], [S, S]], [[S], [W], [S]]
    gained = paired_bootstrap_hm(first, second)
    expected = compute_metrics([S, W, S]).hm - compute_metrics([S, W, G, G, S, S]).hm
    assert gained.difference.value == pytest.approx(expected, rel=0, abs=1e-12)
