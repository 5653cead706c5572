import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from data_prep.readers.cub import read_cub
from recipes.quickstart.birds import plan, write_data_set
from recipes.quickstart.world import ROOT, SPECIES, Visibility, honest_answer, taxonomy
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.method.category import Category

TRAIN, TEST = 2, 1


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("birds")
    assert write_data_set(out, TRAIN, TEST, seed=0) == len(SPECIES) * len(Visibility) * (TRAIN + TEST)
    return out


def test_data_prep_reads_the_layout_as_cub(world: Path, tmp_path: Path) -> None:
    listing = read_cub(world / "CUB_200_2011", tmp_path)
    assert listing.classes == tuple(species.label for species in SPECIES)
    per_split = Counter(example.split for example in listing.examples)
    assert per_split == {"train": 90 * TRAIN, "test": 90 * TEST}


def test_every_image_is_listed_once_and_has_a_visibility(world: Path) -> None:
    root = world / "CUB_200_2011"
    names = dict(line.split(" ") for line in (root / "images.txt").read_text().splitlines())
    on_disk = {path.relative_to(root / "images").as_posix() for path in root.glob("images/*/*.png")}
    assert set(names.values()) == on_disk
    shown = dict(line.split(" ") for line in (world / "visibility.txt").read_text().splitlines())
    assert shown.keys() == names.keys()
    assert Image.open(root / "images" / names["1"]).size == (56, 56)


@pytest.mark.parametrize("is_train", [True, False], ids=["train", "test"])
def test_plan_balances_species_and_visibility(is_train: bool) -> None:
    held = Counter((p.species, p.visibility) for p in plan(14, 4, seed=0) if p.is_train == is_train)
    assert set(held.values()) == {14 if is_train else 4}
    assert len(held) == 90


def test_plan_orders_no_visibility_before_another() -> None:
    first = Counter(p.visibility for p in plan(14, 4, seed=0) if p.file_name.endswith("_0001.png"))
    assert len(first) == len(Visibility)


def test_rendering_again_gives_the_same_bytes(world: Path, tmp_path: Path) -> None:
    write_data_set(tmp_path, TRAIN, TEST, seed=0)
    for path in sorted(world.rglob("*.png"))[::20]:
        assert path.read_bytes() == (tmp_path / path.relative_to(world)).read_bytes()


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        pytest.param(Visibility.CLEAR, Category.SPECIFIC, id="clear"),
        pytest.param(Visibility.HIDDEN, Category.LESS_SPECIFIC, id="hidden"),
        pytest.param(Visibility.BLURRED, Category.GENERIC, id="blurred"),
    ],
)
async def test_the_judge_grades_the_honest_answer(tmp_path: Path, visibility: Visibility, expected: Category) -> None:
    file = tmp_path / "taxonomy.json"
    file.write_text(json.dumps(taxonomy()))
    judge = TaxonomyJudge.from_file(file)
    for species in SPECIES:
        verdict = await judge.judge(Pair(honest_answer(species, visibility), species.label))
        assert verdict.category is expected


async def test_the_judge_calls_another_colour_or_family_wrong(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.json"
    file.write_text(json.dumps(taxonomy()))
    judge = TaxonomyJudge.from_file(file)
    duck = "Scarlet crowned Duck"
    for wrong in ("Azure crowned Duck", "Scarlet crowned Owl", "Owl", "bird of prey"):
        assert (await judge.judge(Pair(wrong, duck))).category is Category.WRONG
    assert (await judge.judge(Pair(ROOT, duck))).category is Category.GENERIC
