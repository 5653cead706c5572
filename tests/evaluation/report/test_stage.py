import json
import re
from pathlib import Path

import pytest

from speciarl_verl import TaxonomyJudgeConfig, evaluate_predictions
from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation
from speciarl_verl.evaluation.pictures import read_pictures
from speciarl_verl.evaluation.report.stage import ContiRequest, run_report, score
from speciarl_verl.evaluation.run import load_run
from tests.evaluation.judged_lists import judge_each
from tests.evaluation.small_set import write_set


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Eight pictures of two data sets, predicted and judged."""
    folder = tmp_path_factory.mktemp("finished")
    files = [write_set(folder / f"{name}.parquet", ["American Crow"] * 4, name) for name in ("cub", "more")]
    said = [
        {"dataset": name, "image": f"{index:03d}.png", "response": "<answer>crow</answer>"}
        for name in ("cub", "more")
        for index in range(4)
    ]
    evaluate_predictions(said, files, folder / "run", TaxonomyJudgeConfig(), browser_pictures=0)
    run = load_run(folder / "run")
    assert run is not None
    return Evaluation(folder / "run", run, read_pictures(files))


def pictures_of(page: Path) -> int:
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(), re.DOTALL)
    return len(json.loads(data)["pictures"])


@pytest.mark.parametrize(("most", "shown"), [(100, 8), (8, 8), (4, 4), (1, 2)])
def test_the_browser_shows_as_many_pictures_of_each_data_set_and_says_so(
    finished: Evaluation, most: int, shown: int
) -> None:
    run_report(finished, None, most)
    page = finished.folder / "browser.html"
    assert pictures_of(page) == shown
    assert ("of 8 pictures, drawn by chance" in page.read_text()) is (shown < 8)


def test_no_browser_is_written_where_none_is_asked_for(finished: Evaluation) -> None:
    (finished.folder / "browser.html").unlink(missing_ok=True)
    report = run_report(finished, None, 0)
    assert not (finished.folder / "browser.html").exists()
    assert [dataset.scores.specificity.value for dataset in report.datasets] == [0.75, 0.75]


def test_verdicts_without_their_judge_are_refused(finished: Evaluation) -> None:
    manifest = finished.folder / "judge.json"
    text = manifest.read_text()
    manifest.unlink()
    with pytest.raises(EvaluationError, match=r"has verdicts but no judge\.json"):
        run_report(finished, None, 0)
    manifest.write_text(text)


def test_scores_of_models_that_are_not_there_are_off_with_the_reason() -> None:
    from speciarl_verl.method.category import Category

    request = ContiRequest(encoder="/nowhere/encoder", spacy="en_no_such")
    scores = score(judge_each([Category.SPECIFIC]), request)["cub"]
    assert (scores.semantic_similarity, scores.concept_similarity, scores.llama_inclusion) == (None, None, None)
    assert "/nowhere/encoder" in scores.notes["semantic_similarity"]
