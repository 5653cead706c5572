"""What a benchmark gives: figures of ours and of its rival, taken in pairs, and the ratio with its spread."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """One line of the table.

    Attributes:
        unit: of the figures; the ratio is ours / rival, so that less is better.
        rival: what ours is held against.
        limit: what no implementation could beat, and why.
        ours, rivals: one figure a pair, in the order in which they were taken.
    """

    benchmark: str
    case: str
    unit: str
    rival: str
    limit: str
    ours: tuple[float, ...]
    rivals: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """One a pair, smallest first."""
        return tuple(sorted(mine / its for mine, its in zip(self.ours, self.rivals, strict=True)))

    def row(self) -> list[str]:
        """For the table: case, medians, and the ratio as `median (min-max)`."""
        ratios = self.ratios
        spread = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        ours, rival = statistics.median(self.ours), statistics.median(self.rivals)
        return [self.benchmark, self.case, f"{ours:.4g} {self.unit}", f"{rival:.4g}", spread]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        ratios = self.ratios
        spread = {"min": ratios[0], "median": statistics.median(ratios), "max": ratios[-1]}
        return {**asdict(self), "ratio": spread}


@dataclass(frozen=True)
class Labels:
    """The words around a benchmark's figures."""

    benchmark: str
    unit: str
    rival: str
    limit: str

    def compare(
        self, case: str, ours: Callable[[], float], rival: Callable[[], float], pairs: int, *, warm: bool = True
    ) -> Comparison:
        """Take figures in pairs, in turns which of the two goes first; `warm` runs both once before and forgets it."""
        if warm:
            rival()
            ours()
        mine, its = [], []
        for number in range(pairs):
            for sample, figures in ((ours, mine), (rival, its))[:: 1 if number % 2 else -1]:
                figures.append(sample())
        return self.of(case, mine, its)

    def of(self, case: str, ours: list[float], rivals: list[float]) -> Comparison:
        """A line from figures that were taken elsewhere."""
        return Comparison(self.benchmark, case, self.unit, self.rival, self.limit, tuple(ours), tuple(rivals))
