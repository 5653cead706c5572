import random

import pytest

from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.records import Outcome
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.benchmarks import ALL, FINE_GRAINED, VERY_FINE_GRAINED
from speciarl_verl.evaluation.statistics.best_of import best_of_curve
from speciarl_verl.evaluation.statistics.intervals import estimate_scores
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics
from tests.evaluation.judged_lists import about, draw, judge, judge_each

WRONG, SPECIFIC = Category.WRONG, Category.SPECIFIC


def pooled(judged):
    return [one.counted for one in judged]


def by_image(judged):
    images = {}
    for one in judged:
        images.setdefault(one.prediction.key.image, []).append(one.counted)
    return [images[image] for image in sorted(images)]


def values(scores):
    return (scores.specificity.value, scores.correctness.value, scores.hm.value)


def bounds(scores):
    return [(e.low, e.high) for e in (scores.specificity, scores.correctness, scores.hm)]


@pytest.mark.parametrize("samples", [1, 4])
def test_build_report_gives_the_metrics_and_intervals_of_the_records(samples):
    judged = draw("cub", 90, samples=samples)
    [dataset] = build_report(judged, **about(samples=samples), seed=3).datasets
    metrics = compute_metrics(pooled(judged))
    assert values(dataset.scores) == (metrics.specificity, metrics.correctness, metrics.hm)
    assert bounds(dataset.scores) == bounds(estimate_scores([by_image(judged)], seed=3))
    assert (dataset.images, dataset.n) == (90, 90 * samples)


def test_build_report_counts_unparseable_and_failed_as_wrong_and_shows_their_shares_apart():
    outcomes = [Outcome.FAILED, Outcome.UNPARSEABLE, Outcome.UNPARSEABLE, WRONG, SPECIFIC, SPECIFIC, SPECIFIC, SPECIFIC]
    report = build_report(judge_each(outcomes), **about())
    [dataset] = report.datasets
    shares = {symbol: share.share for symbol, share in dataset.shares.items() if share.count}
    assert shares == {"W": 1 / 8, "S": 4 / 8, "unparseable": 2 / 8, "failed": 1 / 8}
    assert list(dataset.shares) == ["W", "A", "G", "S-", "S", "S+", "unparseable", "failed"]
    assert sum(share.count for share in dataset.shares.values()) == dataset.n == 8
    assert dataset.scores.correctness.value == 0.5
    assert report.warnings == ("1 of 8 samples failed, and count as wrong.",)


def test_build_report_agrees_with_the_worked_example():
    categories = [Category.ABSTAIN] * 10 + [Category.GENERIC] * 15 + [Category.LESS_SPECIFIC] * 5 + [SPECIFIC] * 20
    [dataset] = build_report(judge_each(categories), **about()).datasets
    assert dataset.scores.specificity.value == pytest.approx(0.675, abs=1e-12)
    assert dataset.scores.correctness.value == 1.0


def test_build_report_averages_over_data_sets_of_equal_weight():
    sets = {name: draw(name, size) for name, size in zip(ALL.datasets, (20, 300, 40, 50, 60), strict=True)}
    report = build_report([one for judged in sets.values() for one in judged], **about(), seed=5)
    for average, group in zip(report.averages, (FINE_GRAINED, VERY_FINE_GRAINED, ALL), strict=True):
        parts = [compute_metrics(pooled(sets[name])) for name in group.datasets]
        expected = [
            sum(getattr(m, figure) for m in parts) / len(parts) for figure in ("specificity", "correctness", "hm")
        ]
        assert values(average.scores) == pytest.approx(expected, abs=1e-12)
        assert average.scores == estimate_scores([by_image(sets[name]) for name in group.datasets], seed=5)
        assert average.missing == ()
        assert average.n == sum(m.n for m in parts)


def test_build_report_gives_no_average_while_a_data_set_is_missing():
    judged = [one for name in ("flowers102", "food101", "stanford_cars", "fgvc_aircraft") for one in draw(name, 10)]
    fine, very_fine, everything = build_report(judged, **about()).averages
    assert (fine.scores, fine.missing) == (None, ("oxford_pets",))
    assert (everything.scores, everything.missing) == (None, ("oxford_pets",))
    assert very_fine.scores is not None


def test_build_report_has_the_best_of_curve_for_several_samples():
    judged = [one for name in VERY_FINE_GRAINED.datasets for one in draw(name, 30, samples=5)]
    report = build_report(judged, **about(samples=5))
    for dataset in report.datasets:
        mine = [one for one in judged if one.prediction.key.dataset == dataset.name]
        expected = [(p.k, p.specificity, p.correctness, p.hm) for p in best_of_curve(by_image(mine))]
        assert [(p.k, p.specificity, p.correctness, p.hm) for p in dataset.best_of] == expected
    mean = report.averages[1].best_of
    assert [point.k for point in mean] == [1, 2, 3, 4, 5]
    assert mean[2].hm == pytest.approx(sum(dataset.best_of[2].hm for dataset in report.datasets) / 2)
    assert report.averages[0].best_of == ()


def test_build_report_has_no_curve_for_one_sample():
    assert build_report(draw("cub", 9), **about()).datasets[0].best_of == ()


def test_build_report_is_the_same_byte_for_byte_whatever_the_order():
    judged = [one for name in ("food101", "birds", "cub") for one in draw(name, 40, samples=3)]
    texts = set()
    for seed in range(5):
        random.Random(seed).shuffle(judged)
        texts.add(build_report(judged, **about(samples=3)).model_dump_json())
    assert len(texts) == 1


def test_build_report_changes_nothing_but_the_intervals_with_the_seed():
    judged = draw("cub", 60)
    one, other = (build_report(judged, **about(), seed=seed).datasets[0].scores for seed in (0, 1))
    assert values(one) == values(other)
    assert bounds(one) != bounds(other)


@pytest.mark.parametrize(
    ("training_judge", "same"),
    [
        pytest.param(None, None, id="not known"),
        pytest.param("meta-llama/Llama-3-70B-Instruct", True, id="same"),
        pytest.param("/models/llama-3-70b-instruct/", True, id="same elsewhere"),
        pytest.param("Qwen/Qwen3-30B-A3B-Instruct-2507", False, id="another"),
    ],
)
def test_build_report_flags_the_judge_of_the_training(training_judge, same):
    report = build_report(judge_each([SPECIFIC]), **about(training_judge=training_judge))
    assert report.judge.is_training_judge is same
    assert any("the rewards of the training" in warning for warning in report.warnings) is bool(same)


def test_build_report_counts_verdicts_by_source():
    judged = [
        judge(SPECIFIC, image=f"{i}.jpg", source=source) for i, source in enumerate(["server", "exact", "server"])
    ]
    report = build_report([*judged, judge(Outcome.FAILED, image="9.jpg")], **about())
    assert report.judge.sources == {"exact": 1, "server": 2}


def test_build_report_averages_the_scores_of_conti_where_no_data_set_lacks_them():
    scores = {
        "stanford_cars": ContiScores(0.5, None, 0.25, 0.5, {"llama_inclusion": "no LLM was given"}),
        "fgvc_aircraft": ContiScores(0.7, 0.5, 0.75, 0.5, {}),
    }
    judged = [one for name in scores for one in draw(name, 5)]
    report = build_report(judged, **about(), conti=scores)
    mean = report.averages[1].conti
    assert mean.text_inclusion == pytest.approx(0.6)
    assert mean.semantic_similarity == pytest.approx(0.5)
    assert mean.llama_inclusion is None
    assert mean.notes == {"llama_inclusion": "missing for stanford_cars"}
    assert report.datasets[0].conti.notes == {"llama_inclusion": "no LLM was given"}
    assert report.averages[0].conti is None
