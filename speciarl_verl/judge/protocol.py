"""What every judge is: pairs in, verdicts out, an exception when there is no verdict."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from speciarl_verl.judge.malformed import Malformed
from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class Pair:
    """What is compared: the model's prediction and the label of the picture; the label is never empty.

    >>> Pair(prediction="retriever", ground_truth="golden retriever").prediction
    'retriever'
    """

    prediction: str
    ground_truth: str


class Source(str, Enum):
    """Who decided on a pair; `COALESCED` waited for the same pair asked by another.

    >>> Source.CUSTOM.value
    'custom'
    """

    ANSWER_RULE = "answer rule"
    TAXONOMY = "taxonomy"
    FAST_PATH = "fast path"
    CACHE = "cache"
    COALESCED = "coalesced"
    SERVER = "server"
    CUSTOM = "custom"


@dataclass(frozen=True)
class Verdict:
    """A judge's word on one pair.

    >>> Verdict(Category.GENERIC, Source.CUSTOM, confidence=0.9).category.symbol
    'G'

    Attributes:
        category: how the prediction relates to the ground truth.
        confidence: probability of the category in [0, 1] where the judge gives one.
        agreement: share of the calls that said so, in (0, 1], where several were made.
        fault: why the answer is wrong whatever it says, where that decided.
    """

    category: Category
    source: Source
    confidence: float | None = None
    agreement: float | None = None
    fault: Malformed | None = None


class Judge(Protocol):
    """One judge a process, shared by all its groups; `judge` is called concurrently.

    >>> class Exact:
    ...     async def judge(self, pair: Pair) -> Verdict:
    ...         same = pair.prediction == pair.ground_truth
    ...         return Verdict(Category.SPECIFIC if same else Category.WRONG, Source.CUSTOM)
    ...     async def check(self) -> None: ...
    ...     async def close(self) -> None: ...
    >>> [verdict.category.symbol for verdict in judge_pairs([Pair("robin", "robin")], Exact())]
    ['S']
    """

    async def judge(self, pair: Pair) -> Verdict:
        """Compare one pair.

        Raises:
            JudgeError: no verdict could be had; the message names the judge, the last error and the cure.
        """
        ...

    async def check(self) -> None:
        """Prove before training that the judge answers.

        Raises:
            JudgeError: it does not; the message names it and the cure.
        """
        ...

    async def close(self) -> None:
        """Release connections and files."""
        ...
