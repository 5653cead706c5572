"""From the text of a response to the answer that is judged, or to the rule that refused it. Knows no truth.

A refused response is not judged, takes no part in the best category of its group and gets the format reward. Whether an
answer is well formed is said where the verdict is made, which knows the truth too: `judge/response.py`.
"""

import html
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

AnswerMode = Literal["strict", "paper"]


class Refusal(str, Enum):
    """The rule by which a response has no answer that could be judged."""

    NO_ANSWER = "no-answer"
    EMPTY = "empty"
    PUNCTUATION = "punctuation-only"


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
_ANSWER = re.compile(r"<answer\s*>((?:(?!<answer\s*>).)*?)</\s*answer\s*>", re.IGNORECASE | re.DOTALL)
# \boxed{robin}, $robin$, ```text robin```, <b>robin</b>, {'answer': 'robin'}, {answer: robin}: the last group.
_WRAPPED = re.compile(
    r"\\(?:boxed|fbox|text|textbf|mathrm|mathbf)\s*\{((?:[^{}]|\{[^{}]*\})*)\}|\$\$?([^$]*)\$\$?"
    r"|```(?:[a-z]+ )?([^`]*)```|<([a-z]+)>([^<]*)</\4>"
    r"|\{\s*'\w+'\s*:\s*(['\"])((?:(?!\6).)*)\6\s*\}|\{\s*\w+\s*:([^{}'\",:]*)\}"
)

_ANNOUNCED = re.compile(r"^(?:(?:the )?(?:final )?answer(?: is)?|label):\s*|<\|[a-z_]+\|>$", re.IGNORECASE)


def extract_answer(response: str, mode: AnswerMode = "strict") -> Extraction:
    """Find the answer of a response.

    >>> extract_answer("<think>Long legs.</think> <answer>Grey Heron</answer>").answer
    'Grey Heron'

    Args:
        response: the decoded response, without special tokens.
        mode: `strict` takes the last complete `<answer>...</answer>` that stands outside the thinking, which is
            everything up to the last `</think>` and everything after a `<think>` that is never closed; out of wrappers
            such as `\\boxed{}`, a JSON object with one text, HTML's escapes or "Answer:". `paper` takes what the
            authors' release takes: the first `<answer>` up to `</answer>`, in the thinking or not, as it stands.
    """
    found = _first(response) if mode == "paper" else _last_visible(response)
    if found is None:
        return Extraction(refusal=Refusal.NO_ANSWER)
    answer = " ".join(found.split())
    if mode == "strict":
        answer = _unwrapped(answer)
    if not answer:
        return Extraction(refusal=Refusal.EMPTY)
    if not any(character.isalnum() for character in answer):
        return Extraction(refusal=Refusal.PUNCTUATION)
    return Extraction(answer=answer)


def _first(response: str) -> str | None:
    _, opened, rest = response.partition("<answer>")
    answer, closed, _ = rest.partition("</answer>")
    return answer if opened and closed else None


def _last_visible(response: str) -> str | None:
    visible = _THINK_START.split(_THINK_END.split(response)[-1], maxsplit=1)[0]
    return next(reversed(_ANSWER.findall(visible)), None)


def _unwrapped(answer: str) -> str:
    answer = _ANNOUNCED.sub("", html.unescape(answer) if ";" in answer else answer)
    for _ in range(4):
        match = _WRAPPED.fullmatch(answer)
        inner = match[match.lastindex or 0] if match else _json(answer)
        if inner is None:
            break
        answer = " ".join(inner.split())
    return answer


def _json(answer: str) -> str | None:
    """The text of a JSON object that has one entry, or an entry `answer`; None for everything else."""
    try:
        value = json.loads(answer) if answer.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict):
        value = value.get("answer") if "answer" in value or len(value) != 1 else next(iter(value.values()))
    return value if isinstance(value, str) else None
