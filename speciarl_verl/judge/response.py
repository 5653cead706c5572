"""The one way from a response to its verdict, in training, validation and evaluation: response -> answer -> verdict.

Extraction finds the answer and knows no truth. Whether an answer is well formed is asked here, where both are known:
one that equals its truth is right, whatever it looks like; else several options or an answer without end are wrong,
and nobody is asked.

Config keys: `speciarl.answer.*`. Source: arXiv 2603.03197, section 3 (several options are wrong).
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from speciarl_verl.judge.malformed import Malformed, find_fault
from speciarl_verl.judge.protocol import Judge, Pair, Source, Verdict
from speciarl_verl.judge.wording import same_name, without_punctuation
from speciarl_verl.method.answer import AnswerMode, Refusal, extract_answer
from speciarl_verl.method.category import Category

DEFAULT_MAX_WORDS = 12
"""Longer than any label of the paper's data sets (the longest, in Stanford Cars, has eight words)."""
DEFAULT_MAX_CHARACTERS = 200
ANSWER_RULES = tuple(rule.value for rule in (*Refusal, *Malformed))
"""The names of all rules, as `JudgedResponse.rule` gives them."""


class AnswerConfig(BaseModel):
    """What counts as an answer, and as a well-formed one.

    Attributes:
        mode: `paper` extracts as the authors' release does and has no rule on form: its judge says what is wrong.
        max_words: an answer of more words is wrong, unless it equals its truth; in `strict` only.
        max_characters: likewise, for scripts and answers that do not know spaces.
        normalise: an LLM judge gets both texts in lower case and without punctuation, as the release's does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    mode: AnswerMode = "strict"
    max_words: int = Field(default=DEFAULT_MAX_WORDS, gt=0)
    max_characters: int = Field(default=DEFAULT_MAX_CHARACTERS, gt=0)
    normalise: bool = False


@dataclass(frozen=True)
class JudgedResponse:
    """What became of a response.

    Attributes:
        answer: what was judged; None where there is none, and `refusal` tells why.
        verdict: None exactly where there is no answer.
    """

    answer: str | None = None
    refusal: Refusal | None = None
    verdict: Verdict | None = None

    @property
    def category(self) -> Category | None:
        """None for an unparseable response."""
        return None if self.verdict is None else self.verdict.category

    @property
    def rule(self) -> str | None:
        """The rule that refused the response or called its answer malformed; None where none did."""
        rule = self.refusal or (self.verdict.fault if self.verdict else None)
        return None if rule is None else rule.value


async def judge_response(response: str, ground_truth: str, judge: Judge, mode: AnswerMode = "strict") -> JudgedResponse:
    """Extract the answer and have it judged.

    Args:
        judge: of `build_judge`, built with the run's `AnswerConfig`, whose `mode` this is.

    Raises:
        JudgeError: the judge gave no verdict.
    """
    extraction = extract_answer(response, mode)
    if extraction.answer is None:
        return JudgedResponse(refusal=extraction.refusal)
    return JudgedResponse(extraction.answer, verdict=await judge.judge(Pair(extraction.answer, ground_truth)))


class WellFormedJudge:
    """Decides on what is no single name, and leaves names to another judge.

    Args:
        asks_first: the judge behind costs nothing and knows names; what it finds right needs no rule.
    """

    def __init__(self, judge: Judge, config: AnswerConfig, asks_first: bool = False) -> None:
        self._judge = judge
        self._config = config
        self._asks_first = asks_first

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`; the verdict names the rule."""
        fault = find_fault(pair.prediction, self._config.max_words, self._config.max_characters)
        if fault is None or self._asks_first:
            verdict = await self._judge.judge(pair)
            if fault is None or verdict.category is not Category.WRONG:
                return verdict
        if same_name(pair.prediction, pair.ground_truth):
            return Verdict(Category.SPECIFIC, Source.ANSWER_RULE)
        return Verdict(Category.WRONG, Source.ANSWER_RULE, fault=fault)

    async def check(self) -> None:
        """See `Judge.check`."""
        await self._judge.check()

    async def close(self) -> None:
        """See `Judge.close`."""
        await self._judge.close()


class NormalisingJudge:
    """Shows another judge both texts in lower case and without punctuation."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def judge(self, pair: Pair) -> Verdict:
        """See `Judge.judge`."""
        return await self._judge.judge(
            Pair(without_punctuation(pair.prediction), without_punctuation(pair.ground_truth))
        )

    async def check(self) -> None:
        """See `Judge.check`."""
        await self._judge.check()

    async def close(self) -> None:
        """See `Judge.close`."""
        await self._judge.close()
