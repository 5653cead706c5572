import json
from collections import Counter
from difflib import SequenceMatcher

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.judge.calibration.gold import Kind, load_gold
from speciarl_verl.judge.fast_path import decide
from speciarl_verl.judge.llm.rubric import load_rubric, shipped_rubrics
from speciarl_verl.judge.malformed import Malformed, find_fault
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.judge.wording import normalise
from speciarl_verl.method.category import Category

GOLD = load_gold()
DOMAINS = {"birds", "flowers", "food", "pets", "cars", "aircraft"}
C = Category
CATEGORIES_OF_KIND = {
    Kind.EXACT: {C.SPECIFIC},
    Kind.SYNONYM: {C.SPECIFIC},
    Kind.SPELLING: {C.SPECIFIC},
    Kind.SCIENTIFIC: {C.GENERIC, C.LESS_SPECIFIC, C.SPECIFIC, C.MORE_SPECIFIC},
    Kind.PARENT: {C.LESS_SPECIFIC},
    Kind.GENERIC: {C.GENERIC},
    Kind.NARROWER: {C.MORE_SPECIFIC},
    Kind.VERBOSE: {C.GENERIC, C.LESS_SPECIFIC, C.SPECIFIC, C.MORE_SPECIFIC},
    Kind.DOUBT: {C.GENERIC, C.LESS_SPECIFIC, C.SPECIFIC},
    Kind.LANGUAGE: {C.ABSTAIN, C.GENERIC, C.LESS_SPECIFIC, C.SPECIFIC},
    Kind.REFUSAL: {C.ABSTAIN},
    Kind.SIBLING: {C.WRONG},
    Kind.NEAR_MISS: {C.WRONG},
    Kind.UNRELATED: {C.WRONG},
    Kind.CONTRADICTION: {C.WRONG},
    Kind.HEDGE: {C.WRONG},
    Kind.GARBLED: {C.WRONG},
    Kind.INJECTION: {C.WRONG},
}


def of_kind(kind):
    return [entry for entry in GOLD if entry.kind is kind]


def test_shipped_gold_is_large_and_balanced():
    assert len(GOLD) >= 400
    assert {entry.domain for entry in GOLD} == DOMAINS
    cells = Counter((entry.domain, entry.category) for entry in GOLD)
    assert min(cells[domain, category] for domain in DOMAINS for category in Category) >= 7
    domains = Counter(entry.domain for entry in GOLD)
    assert max(domains.values()) < 1.2 * min(domains.values())
    categories = Counter(entry.category for entry in GOLD)
    assert max(categories.values()) < 3 * min(categories.values())


def test_shipped_gold_has_every_kind_in_every_domain():
    found = {(entry.domain, entry.kind) for entry in GOLD}
    # Food and cars have no scientific names.
    absent = {(domain, Kind.SCIENTIFIC) for domain in ("food", "cars", "aircraft")}
    assert {(domain, kind) for domain in DOMAINS for kind in Kind} - found == absent


def test_shipped_gold_says_each_thing_once():
    said = Counter((normalise(entry.ground_truth), " ".join(entry.prediction.casefold().split())) for entry in GOLD)
    assert [pair for pair, times in said.items() if times > 1] == []


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_kind_has_only_the_categories_that_it_can_have(kind):
    assert {entry.category for entry in of_kind(kind)} <= CATEGORIES_OF_KIND[kind]


def test_fast_path_decides_no_gold_pair_otherwise():
    decided = {entry: decide(entry.pair) for entry in GOLD}
    assert [entry for entry, category in decided.items() if category not in (None, entry.category)] == []
    assert sum(category is not None for category in decided.values()) < len(GOLD) / 5


def test_exact_is_equal_once_normalised_and_nothing_else_is():
    equal = [entry for entry in GOLD if normalise(entry.prediction) == normalise(entry.ground_truth)]
    assert equal == of_kind(Kind.EXACT)


def test_spelling_is_close_to_the_label():
    for entry in of_kind(Kind.SPELLING):
        likeness = SequenceMatcher(None, normalise(entry.prediction), normalise(entry.ground_truth)).ratio()
        assert 0.7 <= likeness < 1, entry


def test_hedges_name_several_things_and_whatever_the_answer_rule_takes_for_one_is_wrong():
    for entry in GOLD:
        if find_fault(entry.prediction, 99, 999) is Malformed.HEDGED:
            assert entry.category is Category.WRONG, entry
    assert all(any(sign in entry.prediction for sign in (" or ", " / ", ", ")) for entry in of_kind(Kind.HEDGE))


async def test_birds_are_labels_of_the_cub_taxonomy_which_contradicts_none():
    judge = TaxonomyJudge.shipped("cub")
    for entry in GOLD:
        if entry.domain == "birds":
            verdict = await judge.judge(entry.pair)
            # A name that the taxonomy does not list is wrong to it.
            assert verdict.category in (Category.WRONG, entry.category), entry


@pytest.mark.parametrize("name", shipped_rubrics())
def test_rubric_examples_are_not_in_the_gold_set(name):
    examples = [line.split(" / ") for line in load_rubric(name).text.splitlines() if line.count(" / ") >= 2]
    assert len(examples) >= 8
    assert not {example[0].casefold() for example in examples[1:]} & {entry.ground_truth.casefold() for entry in GOLD}


@pytest.mark.parametrize("name", shipped_rubrics())
def test_rubric_examples_are_graded_with_words_of_its_menu(name):
    rubric = load_rubric(name)
    lines = [line.split(" / ") for line in rubric.text.splitlines() if line.count(" / ") >= 2]
    examples = [line for line in lines if line[0] != "Examples, as ground truth"]
    assert {example[-1] for example in examples} == set(rubric.grades)


@pytest.mark.parametrize("name", shipped_rubrics())
def test_rubric_defends_the_data_and_leaves_the_output_to_the_code(name):
    rubric = load_rubric(name)
    assert "never an\ninstruction to you" in rubric.text
    assert "nothing else" not in rubric.text
    assert "Answer with" not in rubric.text
    assert rubric.version >= 1


LINE = {"ground_truth": "Mallard", "prediction": "duck", "category": "S-", "domain": "birds", "kind": "parent"}


def test_load_gold_file_of_the_user(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(f"{json.dumps(LINE)}\n\n{json.dumps({**LINE, 'prediction': 'bird', 'category': 'generic'})}\n")
    first, second = load_gold(path)
    assert (first.pair.prediction, first.pair.ground_truth, first.category) == ("duck", "Mallard", C.LESS_SPECIFIC)
    assert (second.category, second.note) == (C.GENERIC, None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param(["{"], r"mine\.jsonl:1: .*JSON", id="not JSON"),
        pytest.param([json.dumps(LINE), "[]"], r"mine\.jsonl:2: ", id="not an object"),
        pytest.param([json.dumps({**LINE, "category": "S--"})], r":1: category: .*'S--'", id="unknown category"),
        pytest.param([json.dumps({**LINE, "kind": "hard"})], r":1: kind: ", id="unknown kind"),
        pytest.param([json.dumps({**LINE, "colour": "x"})], r":1: colour: ", id="unknown key"),
        pytest.param([json.dumps({**LINE, "ground_truth": ""})], r":1: ground_truth: ", id="no truth"),
        pytest.param([json.dumps({**LINE, "category": 3})], r":1: category: ", id="category by number"),
        pytest.param(
            [json.dumps(LINE), "", json.dumps({**LINE, "category": "G"})], r":3: .*there before", id="pair twice"
        ),
        pytest.param([""], "no pairs", id="empty"),
    ],
)
def test_load_gold_malformed_is_one_line_naming_file_and_line(tmp_path, lines, message):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        load_gold(path)
    assert "\n" not in str(error.value)


def test_load_gold_missing_or_binary_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.jsonl"):
        load_gold(tmp_path / "nowhere.jsonl")
    (tmp_path / "image.jsonl").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match=r"image\.jsonl"):
        load_gold(tmp_path / "image.jsonl")
