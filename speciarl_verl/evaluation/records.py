"""What passes between the stages of an evaluation, and the files that hold it. No verl, no torch.

A run is a folder. Each stage reads what the one before it left, and a line once written is never changed:

    run.json            what was asked of which model, over which data (run.py)
    predictions.jsonl   one `Prediction` a line, in no particular order
    verdicts.jsonl      one `Judged` a line: the prediction with what became of it
    report.json, report.md, report.tex, plots/, browser.html
"""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from pydantic import Field

from speciarl_verl.method.category import Category


@dataclass(frozen=True, order=True)
class SampleKey:
    """One sample of one picture.

    Attributes:
        dataset: the parquet's `data_source`, such as `flowers102`.
        image: the picture's file name in its data set, unique there.
        sample: which of the N samples of the picture, from 0.
    """

    dataset: str
    image: str
    sample: Annotated[int, Field(ge=0, strict=True)]

    @property
    def picture(self) -> tuple[str, str]:
        """Data set and file name."""
        return (self.dataset, self.image)

    def __str__(self) -> str:
        return f"{self.dataset}/{self.image} sample {self.sample}"


@dataclass(frozen=True)
class Prediction:
    """What the model said of one picture.

    Attributes:
        response: the whole text; None exactly when the sample failed for good.
        failure: why it failed, in one line; None otherwise.
        response_tokens: length of the response in tokens, where the engine tells.
    """

    key: SampleKey
    ground_truth: str
    response: str | None
    failure: str | None = None
    response_tokens: int | None = None


class Outcome(str, Enum):
    """What a sample without a category came to. Both count as wrong, and are reported apart."""

    UNPARSEABLE = "unparseable"
    FAILED = "failed"


@dataclass(frozen=True)
class Judged:
    """A prediction and what became of it.

    Attributes:
        answer: what was extracted of the response; None where there is no answer.
        outcome: the judge's category, or why there is none.
        refusal: the rule that refused an unparseable response, or called an answer malformed.
        source: who decided, as in `Verdict.source`; None without a category.
        confidence: of the category, in [0, 1], where the judge gives one.
    """

    prediction: Prediction
    answer: str | None
    outcome: Category | Outcome
    refusal: str | None = None
    source: str | None = None
    confidence: float | None = None

    @property
    def counted(self) -> Category:
        """The category that the metrics count: wrong, where there is no answer to judge."""
        return self.outcome if isinstance(self.outcome, Category) else Category.WRONG

    @property
    def symbol(self) -> str:
        """`W`, `A`, `G`, `S-`, `S`, `S+`, `unparseable` or `failed`."""
        return self.outcome.symbol if isinstance(self.outcome, Category) else self.outcome.value


OUTCOMES: dict[str, Category | Outcome] = {
    **{category.symbol: category for category in Category},
    **{outcome.value: outcome for outcome in Outcome},
}
"""What became of a sample, by its symbol, in the order of tables and plots."""
