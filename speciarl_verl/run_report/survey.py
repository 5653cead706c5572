"""One pass over the judged rollouts of a run: what became of each class and of each picture."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import weigh
from speciarl_verl.rollout.scorer import UNPARSEABLE
from speciarl_verl.rollout.trace import TEXT, picture_of
from speciarl_verl.run_report.run_folder import Run, rows_of


@dataclass
class Tally:
    """The rollouts of one class in some steps."""

    outcomes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def n(self) -> int:
        """Rollouts."""
        return self.outcomes.total()

    @property
    def hm(self) -> float:
        """Of its rollouts; no answer counts as wrong."""
        weights: dict[Category, float] = defaultdict(float)
        for symbol, count in self.outcomes.items():
            weights[category_of(symbol) or Category.WRONG] += count
        return weigh(weights).hm

    @property
    def wrong(self) -> float:
        """Share of W."""
        return self.outcomes["W"] / self.n

    @property
    def commonest(self) -> str:
        """The answer given most often; empty where none was."""
        return self.answers.most_common(1)[0][0] if self.answers else ""


@dataclass(frozen=True)
class ClassCourse:
    """A class in the first fifth of the steps and in the last."""

    name: str
    early: Tally
    late: Tally

    @property
    def change(self) -> float:
        """Of its HM."""
        return self.late.hm - self.early.hm


@dataclass(frozen=True)
class Visit:
    """One group of rollouts of a picture.

    Attributes:
        score: mean of s(c) / 4, wrong and unparseable 0.
        has_text: the responses themselves are there.
    """

    step: int
    score: float
    has_text: bool


@dataclass(frozen=True)
class Survey:
    """What the rollouts tell.

    Attributes:
        classes: those that were seen both early and late; the most changed come first.
        pictures: the visits of each, in order, as far as the rows name their picture.
        span: number of steps that count as early, and as late.
    """

    classes: Sequence[ClassCourse]
    pictures: Mapping[str, Sequence[Visit]]
    span: int


def survey(run: Run) -> Survey:
    """Read every rollout once; only one step's are held.

    Raises:
        InputError: a file holds something else than judged rollouts.
    """
    steps = list(run.rollouts)
    span = max(1, len(steps) // 5)
    early: dict[str, Tally] = defaultdict(Tally)
    late: dict[str, Tally] = defaultdict(Tally)
    pictures: dict[str, list[Visit]] = defaultdict(list)
    for place, step in enumerate(steps):
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        tallies = ([early] if place < span else []) + ([late] if place >= len(steps) - span else [])
        for row in rows_of(run.rollouts[step]):
            for tally in tallies:
                _count(tally[row["ground_truth"]], row)
            if row.get("index") is not None:
                groups[picture_of(row)].append(row)
        for picture, group in groups.items():
            score = fmean(points(row["category"]) for row in group)
            pictures[picture].append(Visit(step, score, all(TEXT in row for row in group)))
    courses = [ClassCourse(name, early[name], late[name]) for name in early.keys() & late.keys()]
    return Survey(sorted(courses, key=lambda course: (-abs(course.change), course.name)), pictures, span)


def points(symbol: str) -> float:
    """s(c) / 4 of an outcome."""
    category = category_of(symbol)
    return 0.0 if category is None else category.specificity_score / Category.SPECIFIC.specificity_score


def category_of(symbol: str) -> Category | None:
    """None for an unparseable response."""
    return None if symbol == UNPARSEABLE else Category.from_label(symbol)


def _count(tally: Tally, row: Mapping[str, Any]) -> None:
    tally.outcomes[row["category"]] += 1
    if row.get("answer"):
        tally.answers[row["answer"]] += 1
