"""The same picture early and late: a few that rose, fell or stayed, with their rollouts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speciarl_verl.draw import rank
from speciarl_verl.rollout.trace import picture_of
from speciarl_verl.run_report.run_folder import Run, rows_of
from speciarl_verl.run_report.survey import Visit

_EACH = 4
"""Pictures that rose, that fell, and that stayed."""
_SAME = 0.05
"""Change of the mean score, in [0, 1], up to which a picture stayed."""


@dataclass(frozen=True)
class Choice:
    """A picture and the two visits to compare."""

    picture: str
    early: Visit
    late: Visit

    @property
    def change(self) -> float:
        """Of the mean score."""
        return self.late.score - self.early.score

    @property
    def course(self) -> str:
        """In a word."""
        return "stayed" if abs(self.change) <= _SAME else "rose" if self.change > 0 else "fell"


@dataclass(frozen=True)
class Portrait:
    """A choice with its rollouts, as the files have them, in the order of the session ids."""

    choice: Choice
    early: Sequence[Mapping[str, Any]]
    late: Sequence[Mapping[str, Any]]

    @property
    def first(self) -> Mapping[str, Any]:
        """Some row of it: data source, index, image, truth."""
        return self.early[0]


def choose(pictures: Mapping[str, Sequence[Visit]]) -> list[Choice]:
    """Up to four of each course; those whose words were kept twice where there are any.

    A picture is compared in the first and the last visit of these.
    """
    choices = [
        Choice(picture, told[0], told[-1])
        for picture, visits in pictures.items()
        for told in [[visit for visit in visits if visit.has_text]]
        if len(told) > 1
    ] or [Choice(picture, visits[0], visits[-1]) for picture, visits in pictures.items() if len(visits) > 1]
    by_course: dict[str, list[Choice]] = {"rose": [], "fell": [], "stayed": []}
    # Among equals chance decides, the same in every report.
    for choice in sorted(choices, key=lambda choice: (-abs(choice.change), rank(0, "portrait", ascii(choice.picture)))):
        by_course[choice.course].append(choice)
    return [choice for course in by_course.values() for choice in course[:_EACH]]


def portraits(run: Run, choices: Iterable[Choice]) -> list[Portrait]:
    """Fetch the rollouts of the choices; reads no other step.

    Raises:
        InputError: a file holds something else than judged rollouts.
    """
    chosen = list(choices)
    wanted: dict[int, set[str]] = {}
    for choice in chosen:
        for visit in (choice.early, choice.late):
            wanted.setdefault(visit.step, set()).add(choice.picture)
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for step in sorted(wanted):
        for row in rows_of(run.rollouts[step]):
            if picture_of(row) in wanted[step]:
                found.setdefault((step, picture_of(row)), []).append(row)
    return [
        Portrait(choice, found[choice.early.step, choice.picture], found[choice.late.step, choice.picture])
        for choice in chosen
    ]
