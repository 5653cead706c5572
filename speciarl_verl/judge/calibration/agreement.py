"""How well a judge agrees with a gold set. Pure.

A rubric whose menu has fewer than the six categories (`exact`: W and S) is measured on those: a gold category, and a
verdict of the fast path, counts as the highest category on the menu that it reaches, so that S- is W and S+ is S; where
what is broader is right (`binary`), S- and G count as S does.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.stats import binomtest

from speciarl_verl.judge.calibration.gold import GoldPair
from speciarl_verl.judge.protocol import Source, Verdict
from speciarl_verl.method.category import Category

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """A part of a whole, with its 95% Wilson interval.

    Attributes:
        low, high: None for a part of nothing.
    """

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def measure(cls, count: int, of: int) -> "Share":
        """`count` out of `of`."""
        if of == 0:
            return cls(count, of, None, None, None)
        interval = binomtest(count, of).proportion_ci(LEVEL, method="wilson")
        return cls(count, of, count / of, float(interval.low), float(interval.high))


@dataclass(frozen=True)
class Judgement:
    """One gold pair, what a judge should have said of it and what it said."""

    gold: GoldPair
    expected: Category
    given: Category
    source: Source
    confidence: float | None

    @property
    def is_right(self) -> bool:
        """Whether the judge agrees with the gold set."""
        return self.given is self.expected


@dataclass(frozen=True)
class Calibration:
    """A judge's agreement with a gold set.

    Attributes:
        menu: the categories that the judge may give, in their order.
    """

    menu: tuple[Category, ...]
    judgements: tuple[Judgement, ...]

    @property
    def accuracy(self) -> Share:
        """Over all pairs."""
        return _accuracy(self.judgements)

    def recall(self, category: Category) -> Share:
        """Of the pairs of a category, those that the judge put there."""
        return _accuracy([judgement for judgement in self.judgements if judgement.expected is category])

    def precision(self, category: Category) -> Share:
        """Of the pairs that the judge put into a category, those that belong there."""
        return _accuracy([judgement for judgement in self.judgements if judgement.given is category])

    def accuracy_by(self, trait: Literal["kind", "domain"]) -> dict[str, Share]:
        """Over the pairs of each kind, or of each domain, in the order of the gold set."""
        names = dict.fromkeys(_trait(judgement, trait) for judgement in self.judgements)
        return {
            name: _accuracy([judgement for judgement in self.judgements if _trait(judgement, trait) == name])
            for name in names
        }

    def confusion(self) -> list[list[int]]:
        """Pairs by expected category (rows) and given category (columns), both in the order of `menu`."""
        counted = Counter((judgement.expected, judgement.given) for judgement in self.judgements)
        return [[counted[expected, given] for given in self.menu] for expected in self.menu]

    @property
    def mistakes(self) -> tuple[Judgement, ...]:
        """Where judge and gold set differ."""
        return tuple(judgement for judgement in self.judgements if not judgement.is_right)


def calibrate(
    gold: Sequence[GoldPair], verdicts: Sequence[Verdict], menu: Collection[Category], broader_is_right: bool = False
) -> Calibration:
    """Hold verdicts against the gold pairs that they are on, in the same order.

    Args:
        menu: the categories that the judge may give.
        broader_is_right: of all its rubrics; see `Rubric`.
    """
    judgements = tuple(
        Judgement(
            gold=entry,
            expected=_on_menu(
                _RAISED.get(entry.category, entry.category) if broader_is_right else entry.category, menu
            ),
            given=_on_menu(verdict.category, menu),
            source=verdict.source,
            confidence=verdict.confidence,
        )
        for entry, verdict in zip(gold, verdicts, strict=True)
    )
    return Calibration(tuple(sorted(menu)), judgements)


_RAISED = dict.fromkeys((Category.GENERIC, Category.LESS_SPECIFIC), Category.SPECIFIC)


def _on_menu(category: Category, menu: Collection[Category]) -> Category:
    return max((choice for choice in menu if choice <= category), default=min(menu))


def _accuracy(judgements: Sequence[Judgement]) -> Share:
    return Share.measure(sum(judgement.is_right for judgement in judgements), len(judgements))


def _trait(judgement: Judgement, trait: Literal["kind", "domain"]) -> str:
    return judgement.gold.kind.value if trait == "kind" else judgement.gold.domain
