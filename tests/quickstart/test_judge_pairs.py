import json
import random
from collections import Counter

import pytest

from recipes.quickstart.judge_pairs import Sorted, graded_pairs, is_held_out
from recipes.quickstart.world import SPECIES, taxonomy
from speciarl_verl.judge.calibration.gold import GoldPair, Kind
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.judge.wording import normalise
from speciarl_verl.method.category import Category


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[GoldPair]:
    file = tmp_path_factory.mktemp("world") / "taxonomy.json"
    file.write_text(json.dumps(taxonomy()))
    return graded_pairs(TaxonomyJudge.from_file(file), seed=0)


def category(pairs: list[GoldPair], truth: str, answer: str) -> Category:
    (found,) = (one.category for one in pairs if (one.ground_truth, one.prediction) == (truth, answer))
    return found


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Azure crowned Owl", Category.SPECIFIC),
        ("a Azure Owl", Category.SPECIFIC),
        ("Owl", Category.LESS_SPECIFIC),
        ("bird of prey", Category.GENERIC),
        ("songbird", Category.WRONG),
        ("Azure crowned Hawk", Category.WRONG),
        ("Ivory crowned Owl", Category.WRONG),
        ("none", Category.ABSTAIN),
    ],
)
def test_pairs_are_graded_by_the_taxonomy(pairs: list[GoldPair], answer: str, expected: Category) -> None:
    assert category(pairs, "Azure crowned Owl", answer) is expected


def test_every_truth_meets_every_label_once(pairs: list[GoldPair]) -> None:
    seen = Counter((one.ground_truth, one.prediction) for one in pairs)
    assert set(seen.values()) == {1}
    assert {(a.label, b.label) for a in SPECIES for b in SPECIES} <= seen.keys()


def test_what_is_held_out_is_not_learnt_in_another_spelling(pairs: list[GoldPair]) -> None:
    held_out = {(one.ground_truth, normalise(one.prediction)) for one in pairs if is_held_out(one, 0)}
    learnt = {(one.ground_truth, normalise(one.prediction)) for one in pairs if not is_held_out(one, 0)}
    assert not held_out & learnt
    assert len(held_out) / len(held_out | learnt) == pytest.approx(0.2, abs=0.03)
    kinds = {one.kind for one in pairs if is_held_out(one, 0)}
    assert kinds == {one.kind for one in pairs}


def test_a_batch_is_half_truths_and_siblings(pairs: list[GoldPair]) -> None:
    drawn = Sorted(pairs).draw(4000, random.Random(0))
    shares = Counter("truth" if one.category is Category.SPECIFIC else one.kind for one in drawn)
    assert shares["truth"] / 4000 == pytest.approx(0.25, abs=0.03)
    assert shares[Kind.SIBLING] / 4000 == pytest.approx(0.25, abs=0.03)
