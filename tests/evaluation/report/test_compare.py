import itertools
import json
import random

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.report.assembly import build_report
from speciarl_verl.evaluation.report.compare import compare_runs
from speciarl_verl.evaluation.report.contents import ComparedRun, Comparison, JudgeReport
from speciarl_verl.evaluation.report.folders import write_comparison
from speciarl_verl.evaluation.statistics.paired import mcnemar, paired_bootstrap_hm
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics
from tests.evaluation.judged_lists import about, draw, judge_each

CONTI = ContiScores(0.5, 0.5, 0.5, 0.5, {})


def run_of(*judged, name="a", samples=1, conti=None, **changes):
    flat = [one for part in judged for one in part]
    report = build_report(flat, **about(name, samples=samples, **changes), conti=conti)
    return ComparedRun(report, flat)


def by_image(judged, images=None):
    return [one.counted for one in sorted(judged, key=lambda one: one.prediction.key.image)][:images]


def test_compare_runs_gives_the_paired_tests_of_every_two_runs_on_every_set():
    drawn = {(name, seed): draw(name, 80, seed=seed) for name in ("food101", "cub") for seed in range(3)}
    runs = [run_of(drawn["food101", seed], drawn["cub", seed], name=f"run {seed}") for seed in range(3)]
    comparison = compare_runs(runs, seed=4)
    keys = [(pair.dataset, pair.first, pair.second) for pair in comparison.pairs]
    pairs = list(itertools.combinations(["run 0", "run 1", "run 2"], 2))
    assert keys == [(name, *pair) for name in ("food101", "cub") for pair in pairs]
    for pair in comparison.pairs:
        first, second = (by_image(drawn[pair.dataset, int(name[-1])]) for name in (pair.first, pair.second))
        assert pair.mcnemar == mcnemar([c.is_correct for c in first], [c.is_correct for c in second])
        assert pair.hm.difference.value == pytest.approx(compute_metrics(second).hm - compute_metrics(first).hm)
        assert pair.hm == paired_bootstrap_hm([[c] for c in first], [[c] for c in second], seed=4)
        assert pair.images == 80


def test_compare_runs_keeps_the_reports_of_runs_on_the_same_pictures():
    runs = [run_of(draw("cub", 40, seed=seed), name=f"run {seed}") for seed in range(2)]
    comparison = compare_runs(runs)
    assert comparison.reports == tuple(run.report for run in runs)
    assert not any("left out" in note or "only the" in note for note in comparison.notes)


def test_compare_runs_computes_every_figure_from_the_common_pictures_only():
    large, small = draw("cub", 60, seed=1), draw("cub", 25, seed=2)
    comparison = compare_runs([run_of(large, name="large"), run_of(small, name="small")])
    scores = comparison.reports[0].datasets[0].scores
    assert scores.hm.value == compute_metrics(by_image(large, 25)).hm
    assert [report.datasets[0].images for report in comparison.reports] == [25, 25]
    assert comparison.pairs[0].images == 25
    assert any("cub: only the 25 pictures that are in all runs are compared" in note for note in comparison.notes)


def test_compare_runs_leaves_out_a_data_set_that_is_not_in_all_runs_and_says_so():
    both = run_of(draw("cub", 20), draw("food101", 20), name="both")
    comparison = compare_runs([both, run_of(draw("cub", 20, seed=1), name="one")])
    assert [[dataset.name for dataset in report.datasets] for report in comparison.reports] == [["cub"], ["cub"]]
    assert "food101 is left out: no picture is in all runs (both 20, one 0)." in comparison.notes


def test_compare_runs_drops_the_scores_of_conti_where_not_all_pictures_are_common():
    whole = run_of(draw("cub", 20), draw("birds", 20), name="whole", conti={"cub": CONTI, "birds": CONTI})
    part = run_of(draw("cub", 20, seed=1), draw("birds", 9, seed=1), name="part", conti={"cub": CONTI, "birds": CONTI})
    of_whole, of_part = compare_runs([whole, part]).reports
    assert {dataset.name: dataset.conti is not None for dataset in of_whole.datasets} == {"birds": False, "cub": True}
    assert {dataset.name: dataset.conti is not None for dataset in of_part.datasets} == {"birds": True, "cub": True}


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        pytest.param(lambda: [run_of(draw("cub", 5))], "two runs or more", id="one"),
        pytest.param(
            lambda: [run_of(draw("cub", 5), name="x"), run_of(draw("birds", 5), name="y")],
            "^x and y have no picture in common",
            id="other data",
        ),
        pytest.param(
            lambda: [run_of(draw("cub", 9), name="x"), run_of(draw("cub", 9, classes=2), name="y")],
            r"cub/00002\.jpg is 'class 2' in x and 'class 0' in y",
            id="other truth",
        ),
    ],
)
def test_compare_runs_refuses_what_cannot_be_compared_in_one_line(runs, words):
    with pytest.raises(EvaluationError, match=words) as refused:
        compare_runs(runs())
    assert "\n" not in str(refused.value)


def test_compare_runs_flags_different_judges():
    other = JudgeReport(kind="taxonomy")
    runs = [run_of(draw("cub", 9), name="x"), run_of(draw("cub", 9), name="y", judge=other)]
    [note] = [note for note in compare_runs(runs).notes if "judged differently" in note]
    assert "x by server, meta-llama/Llama-3-70B-Instruct, paper; y by taxonomy" in note
    assert not [note for note in compare_runs([runs[0], runs[0]]).notes if "judged differently" in note]


def test_compare_runs_repeats_the_warnings_of_every_run():
    runs = [
        run_of(judge_each([Category.SPECIFIC]), name=name, training_judge=judge)
        for name, judge in (("x", None), ("y", "Llama-3-70B-Instruct"))
    ]
    notes = compare_runs(runs).notes
    assert [note.startswith("y: The judge, ") for note in notes] == [True]


def test_compare_runs_tells_runs_of_one_name_apart():
    comparison = compare_runs([run_of(draw("cub", 9, seed=seed), name="same") for seed in range(2)])
    assert [report.name for report in comparison.reports] == ["same (1)", "same (2)"]


def test_compare_runs_has_no_mcnemar_for_several_samples_but_a_difference_of_hm():
    runs = [run_of(draw("cub", 30), name="x"), run_of(draw("cub", 30, samples=4, seed=1), name="y", samples=4)]
    [pair] = compare_runs(runs).pairs
    assert pair.mcnemar is None
    first, second = (run.report.datasets[0].scores.hm.value for run in runs)
    assert pair.hm.difference.value == pytest.approx(second - first)


def test_compare_runs_is_the_same_whatever_the_order_of_the_predictions():
    runs = [run_of(draw("cub", 40, seed=seed), draw("birds", 30, seed=seed), name=f"run {seed}") for seed in range(2)]
    texts = {compare_runs(runs).model_dump_json()}
    for seed in range(3):
        shuffled = [ComparedRun(run.report, random.Random(seed).sample(run.judged, len(run.judged))) for run in runs]
        texts.add(compare_runs(shuffled).model_dump_json())
    assert len(texts) == 1


def test_write_comparison_leaves_all_files_with_published_rows_apart(tmp_path):
    runs = [run_of(draw("food101", 20, seed=seed), name=f"run|{seed}") for seed in range(2)]
    comparison = compare_runs(runs)
    write_comparison(comparison, tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {"compare.json", "compare.md", "compare.tex", "plots/compare.png", "plots/compare.svg"}
    assert Comparison.model_validate_json((tmp_path / "compare.json").read_text()) == comparison
    rows = json.loads((tmp_path / "compare.json").read_text())["published"]["rows"]
    assert len(rows) == 10
    page, tex = (tmp_path / "compare.md").read_text(), (tmp_path / "compare.tex").read_text()
    assert page.index(r"| run\|0 |") < page.index(r"| run\|1 |") < page.index("| *published*: SpeciaRL |")
    assert r"Food101: run\|0 / run\|1" in page
    assert tex.index(r"run\textbar{}1") < tex.index("Published, not measured here") < tex.index(r"\emph{SpeciaRL}")


def test_write_comparison_shows_published_rows_by_themselves_beside_other_data(tmp_path):
    write_comparison(compare_runs([run_of(draw("birds", 9, seed=seed), name=f"{seed}") for seed in range(2)]), tmp_path)
    page = (tmp_path / "compare.md").read_text()
    own, published = page.index("## Other data sets"), page.index("## Published means")
    assert own < published
    assert "published*:" not in page[own:published]
    assert "| *published*: SpeciaRL | 0.920 | 0.848 | 0.883 | - | - | 0.830 |" in page
