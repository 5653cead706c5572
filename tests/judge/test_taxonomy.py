import json

import pytest

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category

BIRDS = {
    "name": "birds",
    "root": ["bird", "animal"],
    "labels": {
        "Brewer Blackbird": {
            "synonyms": ["Brewer's Blackbird", "Euphagus cyanocephalus"],
            "parents": ["blackbird", "Icteridae", "New World blackbird"],
            "generic": ["songbird", "perching bird"],
            "narrower": ["male Brewer's Blackbird"],
        },
        "Blackbird": {"synonyms": ["Turdus merula"], "parents": ["thrush"]},
        "Black_footed Albatross": {"parents": ["albatross"], "generic": ["albatross", "seabird"]},
    },
}


@pytest.fixture
def birds(tmp_path):
    path = tmp_path / "birds.json"
    path.write_text(json.dumps(BIRDS), encoding="utf-8")
    return TaxonomyJudge.from_file(path)


@pytest.mark.parametrize(
    ("prediction", "truth", "category"),
    [
        pytest.param("Brewer Blackbird", "Brewer Blackbird", Category.SPECIFIC, id="equal"),
        pytest.param("brewer_BLACKBIRD.", "Brewer Blackbird", Category.SPECIFIC, id="folded"),
        pytest.param("a Brewer\u2019s blackbird", "Brewer Blackbird", Category.SPECIFIC, id="typographic apostrophe"),
        pytest.param("Brewers Blackbird", "Brewer Blackbird", Category.SPECIFIC, id="apostrophe left out"),
        pytest.param("euphagus  cyanocephalus", "Brewer Blackbird", Category.SPECIFIC, id="scientific name"),
        pytest.param("Male Brewer's blackbird", "Brewer Blackbird", Category.MORE_SPECIFIC, id="narrower"),
        pytest.param("icteridae", "Brewer Blackbird", Category.LESS_SPECIFIC, id="family"),
        pytest.param("new-world blackbird", "Brewer Blackbird", Category.LESS_SPECIFIC, id="hyphen"),
        pytest.param("perching bird", "Brewer Blackbird", Category.GENERIC, id="order"),
        pytest.param("The Bird", "Brewer Blackbird", Category.GENERIC, id="root"),
        pytest.param("I don\u2019t know", "Brewer Blackbird", Category.ABSTAIN, id="refusal"),
        pytest.param("None", "Brewer Blackbird", Category.ABSTAIN, id="none"),
        pytest.param("Euphagus", "Brewer Blackbird", Category.WRONG, id="not listed"),
        pytest.param("Brewer Blackbird, a songbird", "Brewer Blackbird", Category.SPECIFIC, id="two true names"),
        pytest.param("Brewer Blackbird on a wire", "Brewer Blackbird", Category.WRONG, id="a sentence"),
        pytest.param("???", "Brewer Blackbird", Category.WRONG, id="signs only"),
        pytest.param("blackbird", "Brewer Blackbird", Category.LESS_SPECIFIC, id="another label, but a parent here"),
        pytest.param("blackbird", "Blackbird", Category.SPECIFIC, id="that label itself"),
        pytest.param("Turdus merula", "Brewer Blackbird", Category.WRONG, id="another label's synonym"),
        pytest.param("albatross", "Black footed Albatross", Category.LESS_SPECIFIC, id="parent and generic"),
        pytest.param("Black-footed Albatross", "Black footed Albatross", Category.SPECIFIC, id="label with underscore"),
    ],
)
async def test_judge_looks_the_prediction_up(birds, prediction, truth, category):
    verdict = await birds.judge(Pair(prediction, truth))
    assert (verdict.category, verdict.source, verdict.confidence) == (category, "taxonomy", None)


async def test_judge_unknown_ground_truth_is_an_error_with_a_cure(birds):
    with pytest.raises(JudgeError, match=r"birds\.json does not know the ground truth 'Boeing 737'.*judge\.taxonomy"):
        await birds.judge(Pair("bird", "Boeing 737"))


async def test_judge_unknown_ground_truth_is_an_error_for_an_abstention_too(birds):
    with pytest.raises(JudgeError, match="Boeing"):
        await birds.judge(Pair("none", "Boeing 737"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "JSON", id="not JSON"),
        pytest.param("[]", "object", id="not an object"),
        pytest.param('{"name": "x"}', "labels: Field required", id="no labels"),
        pytest.param('{"name": "x", "labels": {}}', "labels: ", id="empty"),
        pytest.param('{"name": "x", "labels": {"a b": {"parent": ["c"]}}}', "labels.a b.parent: ", id="unknown key"),
        pytest.param('{"name": "x", "labels": {"a b": {"parents": "bird"}}}', "labels.a b.parents: ", id="not a list"),
        pytest.param('{"name": "x", "labels": {"a b": {"parents": ["?"]}}}', "neither letters nor", id="signs only"),
        pytest.param('{"name": "x", "labels": {"a-b": {}, "A b": {}}}', "'A b' is there twice", id="label twice"),
    ],
)
def test_from_file_malformed_is_one_line_naming_file_and_fault(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(JudgeError) as error:
        TaxonomyJudge.from_file(path)
    assert "mine.json" in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_from_file_missing_or_binary_is_an_error(tmp_path):
    with pytest.raises(JudgeError, match=r"nowhere\.json"):
        TaxonomyJudge.from_file(tmp_path / "nowhere.json")
    (tmp_path / "image.json").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(JudgeError, match=r"image\.json"):
        TaxonomyJudge.from_file(tmp_path / "image.json")


def test_shipped_unknown_name_lists_what_there_is():
    with pytest.raises(JudgeError, match=r"'cup'.*cub"):
        TaxonomyJudge.shipped("cup")


async def test_check_and_close_do_nothing(birds):
    await birds.check()
    await birds.close()
    await birds.judge(Pair("bird", "Blackbird"))
