"""From the text of a response to the answer that is judged, or to the rule that refused it.

A refused response is not judged, takes no part in the best category of its group and gets the format reward.
"""

import re
from dataclasses import dataclass
from enum import Enum

DEFAULT_MAX_WORDS = 12
"""Longer than any label of the paper's data sets (the longest, in Stanford Cars, has eight words)."""


class Refusal(str, Enum):
    """The rule by which a response has no answer that could be judged."""

    NO_ANSWER = "no-answer"
    EMPTY = "empty"
    PUNCTUATION = "punctuation-only"
    TOO_LONG = "too-long"
    HEDGED = "hedged"


@dataclass(frozen=True)
class Extraction:
    """Exactly one of the two is set: the answer's text, or the rule that refused it.

    >>> extract_answer("It is a heron.").refusal.value
    'no-answer'
    """

    answer: str | None = None
    refusal: Refusal | None = None


_THINK_END = re.compile(r"</think\s*>", re.IGNORECASE)
_THINK_START = re.compile(r"<think\s*>", re.IGNORECASE)
_ANSWER = re.compile(r"<answer\s*>((?:(?!<answer\s*>).)*?)</answer\s*>", re.IGNORECASE | re.DOTALL)
# "robin or cardinal", "robin / cardinal", "robin/cardinal", "robin | cardinal"; but F/A-18, F-16A/B and C/V are names:
# a slash without spaces hedges only between two words of three letters or more.
_HEDGE = re.compile(r"\bor\b|\s[/|]\s|[^\W\d_]{3}[/|][^\W\d_]{3}", re.IGNORECASE)


def extract_answer(response: str, max_words: int = DEFAULT_MAX_WORDS) -> Extraction:
    """Take the last complete `<answer>...</answer>` that stands outside the thinking.

    >>> extract_answer("<think>Long legs.</think> <answer>Grey Heron</answer>").answer
    'Grey Heron'

    Thinking is everything up to the last `</think>`, and everything after a `<think>` that is never closed.

    Args:
        response: the decoded response, without special tokens.
        max_words: an answer of more words (split at white space) is refused.
    """
    visible = _THINK_START.split(_THINK_END.split(response)[-1], maxsplit=1)[0]
    answers = _ANSWER.findall(visible)
    if not answers:
        return Extraction(refusal=Refusal.NO_ANSWER)
    answer = " ".join(answers[-1].split())
    if not answer:
        return Extraction(refusal=Refusal.EMPTY)
    if not any(character.isalnum() for character in answer):
        return Extraction(refusal=Refusal.PUNCTUATION)
    if len(answer.split(" ")) > max_words:
        return Extraction(refusal=Refusal.TOO_LONG)
    if _HEDGE.search(answer):
        return Extraction(refusal=Refusal.HEDGED)
    return Extraction(answer=answer)
