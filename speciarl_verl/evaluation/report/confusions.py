"""Which classes are taken for something else, and for what. Pure.

Only answers that the judge called wrong are confusions: an unparseable or failed sample names nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from speciarl_verl.evaluation.records import Judged, Outcome
from speciarl_verl.evaluation.report.contents import ConfusedClass, WrongAnswer
from speciarl_verl.evaluation.report.escape import printable
from speciarl_verl.evaluation.report.grouping import JudgedPicture
from speciarl_verl.method.category import Category

CLASSES = 20
ANSWERS = 5


@dataclass
class _Tally:
    """One class so far; wrong answers by their plain spelling, then by spelling."""

    n: int = 0
    wrong: int = 0
    without_answer: int = 0
    spellings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, judged: Judged) -> None:
        self.n += 1
        if isinstance(judged.outcome, Outcome):
            self.without_answer += 1
        elif judged.outcome is Category.WRONG:
            self.wrong += 1
            spelling = printable(judged.answer or "")
            self.spellings[spelling.casefold()][spelling] += 1

    def reported(self, truth: str, most: int) -> ConfusedClass:
        found = [WrongAnswer(answer=_usual(ways), count=ways.total()) for ways in self.spellings.values()]
        return ConfusedClass(
            ground_truth=printable(truth),
            n=self.n,
            wrong=self.wrong,
            without_answer=self.without_answer,
            answers=tuple(sorted(found, key=lambda answer: (-answer.count, answer.answer))[:most]),
        )


def worst_confusions(
    pictures: Iterable[JudgedPicture], *, classes: int = CLASSES, answers: int = ANSWERS
) -> tuple[ConfusedClass, ...]:
    """The classes with most wrong answers, worst first, each with its most common wrong answers.

    Ties are settled by name, so that the order of the samples plays no part.
    """
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for picture in pictures:
        for judged in picture.samples:
            tallies[picture.ground_truth].add(judged)
    worst = sorted((item for item in tallies.items() if item[1].wrong), key=lambda item: (-item[1].wrong, item[0]))
    return tuple(tally.reported(truth, answers) for truth, tally in worst[:classes])


def _usual(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))
