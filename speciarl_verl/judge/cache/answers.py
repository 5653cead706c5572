"""Answers that were paid for once, by the key of their question."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What the LLM said; what it means is read off the menu each time.

    Attributes:
        confidence: in [0, 1], None where it gave none.
    """

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Entry:
    """One answer, and for whoever looks into the cache, what it answers.

    Attributes:
        key: `Form.key`, 64 hexadecimal digits.
    """

    key: str
    answer: Answer
    model: str
    prediction: str
    ground_truth: str


class AnswerCache(Protocol):
    """Shared with other processes; used from one event loop."""

    async def get(self, key: str) -> Answer | None:
        """The answer of that key, None where there is none.

        Raises:
            CacheError: it cannot be told.
        """
        ...

    async def put(self, entry: Entry) -> None:
        """Keep an answer. When this returns, every process sees it, and it outlives this one.

        Raises:
            CacheError: it could not be kept.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
