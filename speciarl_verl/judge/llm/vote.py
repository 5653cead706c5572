"""Several opinions, one category. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class Ballot:
    """The outcome of a vote.

    Attributes:
        agreement: share of the votes for `category`, in (0, 1].
    """

    category: Category
    agreement: float


def majority(votes: Sequence[Category]) -> Ballot:
    """The category with the most votes; of several, the lowest.

    Raises:
        ValueError: nobody voted.
    """
    if not votes:
        raise ValueError("no votes")
    counted = Counter(votes)
    most = max(counted.values())
    return Ballot(min(category for category, count in counted.items() if count == most), most / len(votes))
