"""Pairs of truth and answer in the world of birds, graded by its taxonomy: what the small judge learns, and is held to.

Of each truth every name of the world is an answer, in several spellings, and so are refusals and words put together at
random, as a policy says them while it learns. A fifth of the pairs is held out; a hash of the pair decides which.
"""

import random
from collections.abc import Iterator, Sequence

from recipes.quickstart.world import ROOT, SPECIES, Colour, Family, Species, taxonomy
from speciarl_verl.draw import rank
from speciarl_verl.judge.calibration.gold import GoldPair, Kind
from speciarl_verl.judge.many import judge_pairs
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge
from speciarl_verl.judge.wording import normalise
from speciarl_verl.method.category import Category

DOMAIN = "quickstart"
REFUSALS = ("none", "unknown", "not sure", "no idea", "I cannot tell", "cannot identify", "unidentified", "n/a")
GARBLED_A_TRUTH = 40
_HELD_OUT_OF_256 = 51
_TREE = taxonomy()
_WORDS = (*[colour.value for colour in Colour], *[family.value for family in Family], "crowned", "crowned", ROOT)


def graded_pairs(judge: TaxonomyJudge, seed: int) -> list[GoldPair]:
    """Every pair once, with the category that the taxonomy gives it.

    Args:
        judge: of this world's taxonomy.
        seed: of the words that are put together.
    """
    kinds = {pair: kind for truth in SPECIES for pair, kind in _pairs_of(truth, random.Random(f"{seed}/{truth.label}"))}
    verdicts = judge_pairs(list(kinds), judge)
    return [
        GoldPair.model_validate(
            {
                "ground_truth": pair.ground_truth,
                "prediction": pair.prediction,
                "category": verdict.category.symbol,
                "domain": DOMAIN,
                "kind": _kind(kind, verdict.category),
            }
        )
        for (pair, kind), verdict in zip(kinds.items(), verdicts, strict=True)
    ]


def is_held_out(entry: GoldPair, seed: int) -> bool:
    """Whether the judge never learns from this pair, nor from another spelling of it."""
    return rank(seed, "held out", entry.ground_truth, normalise(entry.prediction))[0] < _HELD_OUT_OF_256


class Sorted:
    """Pairs to draw from: a quarter says the truth, a quarter names a sibling, and the other kinds share the rest.

    To tell these two apart is what takes long to learn, and by chance alone they would be rare.
    """

    def __init__(self, entries: Sequence[GoldPair]) -> None:
        sorts: dict[str, list[GoldPair]] = {}
        for entry in entries:
            says_it = entry.category is Category.SPECIFIC
            sorts.setdefault("truth" if says_it else entry.kind.value, []).append(entry)
        self._hard = [sorts.pop(name) for name in ("truth", Kind.SIBLING.value)]
        self._easy = list(sorts.values())

    def draw(self, count: int, chance: random.Random) -> list[GoldPair]:
        """So many, with replacement."""
        return [chance.choice(chance.choice(chance.choice((self._hard, self._easy)))) for _ in range(count)]


def _pairs_of(truth: Species, chance: random.Random) -> Iterator[tuple[Pair, Kind]]:
    """Each with what it puts to the test."""
    for _ in range(GARBLED_A_TRUTH):
        words = chance.choices(_WORDS, k=chance.randint(1, 4))
        yield Pair(" ".join(words), truth.label), Kind.GARBLED
    # Behind those, as some of what was put together by chance is a name, which then counts as one.
    for answer, kind in _names(truth):
        for spelling in _spellings(answer):
            yield Pair(spelling, truth.label), kind


def _names(truth: Species) -> Iterator[tuple[str, Kind]]:
    for refusal in REFUSALS:
        yield refusal, Kind.REFUSAL
    for species in SPECIES:
        near = species.family is truth.family or species.colour is truth.colour
        kind = Kind.EXACT if species == truth else Kind.SIBLING if near else Kind.UNRELATED
        yield species.label, kind
        yield f"{species.colour.value} {species.family.value}", Kind.SYNONYM if species == truth else kind
    for family in Family:
        yield family.value, Kind.PARENT if family is truth.family else Kind.NEAR_MISS
    for broad in _broad_names():
        yield broad, Kind.GENERIC


def _broad_names() -> list[str]:
    entries = _TREE["labels"]
    assert isinstance(entries, dict)
    groups = dict.fromkeys(group for entry in entries.values() for group in entry["generic"])
    return [ROOT, "animal", *groups]


def _spellings(answer: str) -> tuple[str, ...]:
    return answer, f"a {answer}", f"{answer.lower()}."


def _kind(kind: Kind, category: Category) -> Kind:
    """Another family's broad name is no generic answer."""
    return Kind.NEAR_MISS if category is Category.WRONG and kind is Kind.GENERIC else kind
