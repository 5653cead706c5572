"""The shipped taxonomy of CUB-200-2011 against the data set's own `classes.txt`."""

import json
from collections import defaultdict
from importlib import resources
from pathlib import Path

import pytest

from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.judge.wording import is_abstention, normalise
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.method.category import Category

CLASSES = (Path(__file__).parent / "cub_classes.txt").read_text(encoding="utf-8").splitlines()
CUB = json.loads((resources.files("speciarl_verl.judge") / "taxonomies" / "cub.json").read_text(encoding="utf-8"))
ENTRIES = CUB["labels"]


JUDGE = TaxonomyJudge.shipped("cub")


def names(level):
    return [(label, normalise(name)) for label, entry in ENTRIES.items() for name in entry.get(level, [])]


def test_labels_are_the_200_classes_as_data_prep_writes_them():
    expected = {line.split(" ")[1].partition(".")[2].replace("_", " ") for line in CLASSES}
    assert len(expected) == 200
    assert set(ENTRIES) == expected


@pytest.mark.parametrize("level", ["synonyms", "narrower"])
def test_no_name_of_a_species_is_another_labels_name(level):
    owners = {normalise(label): label for label in ENTRIES}
    for label, name in names(level):
        assert owners.setdefault(name, label) == label, f"{name} names {owners[name]} and {label}"


@pytest.mark.parametrize("level", ["parents", "generic"])
def test_no_broader_name_is_a_species(level):
    species = {normalise(label) for label in ENTRIES} | {name for _, name in names("synonyms")}
    assert not {name for _, name in names(level)} & species


def test_levels_of_one_label_do_not_overlap():
    root = {normalise(name) for name in CUB["root"]}
    for label, entry in ENTRIES.items():
        seen = {normalise(label)}
        for level in ("narrower", "parents", "generic"):
            level_names = {normalise(name) for name in entry.get(level, [])}
            assert not level_names & (seen | root), f"{label}: {level}"
            seen |= level_names


def test_each_label_has_scientific_name_family_and_order():
    for label, entry in ENTRIES.items():
        scientific = [name for name in entry["synonyms"] if name[0].isupper() and name.split()[-1].islower()]
        assert scientific or label in ("Sayornis", "Geococcyx", "Frigatebird"), label
        assert sum(parent.endswith("idae") for parent in entry["parents"]) == 1, label
        assert sum(name.endswith("iformes") for name in entry["generic"]) == 1, label


def test_each_family_stands_in_one_order_and_each_genus_in_one_family():
    orders, families = defaultdict(set), defaultdict(set)
    for entry in ENTRIES.values():
        family = next(parent for parent in entry["parents"] if parent.endswith("idae"))
        orders[family].update(name for name in entry["generic"] if name.endswith("iformes"))
        for name in entry["synonyms"]:
            genus = name.split()[0]
            if genus in entry["parents"]:
                families[genus].add(family)
    assert all(len(found) == 1 for found in orders.values())
    assert {genus: found for genus, found in families.items() if len(found) > 1} == {}


def test_no_listed_name_is_an_abstention():
    listed = [name for level in ("synonyms", "parents", "generic", "narrower") for _, name in names(level)]
    assert not [name for name in [*listed, *ENTRIES, *CUB["root"]] if is_abstention(name)]


@pytest.mark.parametrize("label", ENTRIES)
async def test_judge_every_label_is_specific_and_survives_answer_extraction(label):
    answer = extract_answer(f"<think>A bird.</think><answer>{label}</answer>").answer
    assert answer == label
    assert (await JUDGE.judge(Pair(answer, label))).category is Category.SPECIFIC


@pytest.mark.parametrize(
    ("prediction", "truth", "symbol"),
    [
        ("Black-footed Albatross", "Black footed Albatross", "S"),
        ("Arctic tern", "Artic Tern", "S"),
        ("Brewer's Blackbird", "Brewer Blackbird", "S"),
        ("Forster's Tern", "Forsters Tern", "S"),
        ("Chuck-will's-widow", "Chuck will Widow", "S"),
        ("Eastern whip-poor-will", "Whip poor Will", "S"),
        ("LeConte's Sparrow", "Le Conte Sparrow", "S"),
        ("Nelson's Sparrow", "Nelson Sharp tailed Sparrow", "S"),
        ("Northern Cardinal", "Cardinal", "S"),
        ("Grey Catbird", "Gray Catbird", "S"),
        ("roadrunner", "Geococcyx", "S"),
        ("Greater Roadrunner", "Geococcyx", "S+"),
        ("Eastern Phoebe", "Sayornis", "S+"),
        ("Vermivora chrysoptera", "Golden winged Warbler", "S"),
        ("Blue-winged Warbler", "Golden winged Warbler", "W"),
        ("Yellow-rumped Warbler", "Myrtle Warbler", "S-"),
        ("warbler", "Golden winged Warbler", "S-"),
        ("Vireo", "Red eyed Vireo", "S-"),
        ("Parulidae", "Common Yellowthroat", "S-"),
        ("songbird", "Common Yellowthroat", "G"),
        ("seabird", "Laysan Albatross", "G"),
        ("a bird", "Laysan Albatross", "G"),
        ("duck", "Mallard", "S-"),
        ("waterfowl", "Mallard", "G"),
        ("sparrow", "House Sparrow", "S-"),
        ("Passerellidae", "House Sparrow", "W"),
        ("none", "House Sparrow", "A"),
    ],
)
async def test_judge_worked_pairs(prediction, truth, symbol):
    verdict = await JUDGE.judge(Pair(prediction, truth))
    assert verdict.category.symbol == symbol
