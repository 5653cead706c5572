"""What came back for one question: the text, how sure the model was, and what it cost."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from speciarl_verl.judge.judge_config import Output
from speciarl_verl.judge.llm.rubric import Menu
from speciarl_verl.server_client.failure import UnusableAnswerError
from speciarl_verl.server_client.message import read_message

_LEAST_LOGPROB = -1e6
"""Of no weight at all; what servers send for a token that the constraint forbids may be minus infinity."""
_THINKING = re.compile(
    r".*(?:</(?:seed:)?think(?:ing)?>|</thought>|\[/THINK\]|\u25c1/think\u25b7"
    r"|<\|channel\|>final<\|message\|>)",
    re.DOTALL,
)
"""Up to the end of what a model thought aloud: the marks of Qwen, DeepSeek, Seed, Gemma, Magistral, Kimi, gpt-oss."""


@dataclass(frozen=True)
class Reply:
    """One chat completion.

    Attributes:
        text: what was answered, without the thinking before it.
        confidence: probability of the answer among those of the menu, in [0, 1]; None without logprobs.
        prompt_tokens: with `cached_prompt_tokens` of them out of the server's prefix cache, where it tells.
    """

    text: str
    confidence: float | None = None
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0


def read_reply(body: object, menu: Menu) -> Reply:
    """Read the body of a chat completion.

    Raises:
        ValueError: it is none, or not of one choice with a text; the next attempt may be.
        UnusableAnswerError: the text was withheld, such as by a content filter.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or len(choices) != 1:
        count = len(choices) if isinstance(choices, list) else "no"
        raise ValueError(f"{count} choices where one was asked for")
    message = read_message(choices[0])
    if message.is_withheld:
        raise UnusableAnswerError(message.lack())
    if message.text is None or message.is_interrupted:
        hint = "; is a reasoning parser taking it, or its thinking all the tokens?" if message.thought else ""
        raise ValueError(f"{message.lack()}{hint}")
    text = _THINKING.sub("", message.text, count=1)
    usage = _mapping(_mapping(body).get("usage"))
    details = _mapping(usage.get("prompt_tokens_details"))
    return Reply(
        text=text,
        confidence=_confidence(choices[0].get("logprobs"), menu, text),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        cached_prompt_tokens=_count(details.get("cached_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _confidence(logprobs: object, menu: Menu, text: str) -> float | None:
    """The share of the answer in the probability that the first token gives to the menu.

    Servers differ in whether their logprobs are taken before or after the constraint; the share is the same in both.
    """
    content = _mapping(logprobs).get("content")
    chosen = menu.category(text)
    # A label's first token may begin another label too.
    if menu.output is not Output.LETTER or not isinstance(content, list) or not content or chosen is None:
        return None
    first = _mapping(content[0])
    alternatives = first.get("top_logprobs")
    mass: dict[str, float] = {}
    for entry in [first, *(alternatives if isinstance(alternatives, list) else [])]:
        token, probability = _mapping(entry).get("token"), _probability(_mapping(entry).get("logprob"))
        if isinstance(token, str) and probability is not None and menu.category(token) is not None:
            # The chosen token stands among the alternatives once more.
            mass[token] = probability
    ours = [probability for token, probability in mass.items() if menu.category(token) is chosen]
    total = math.fsum(mass.values())
    return math.fsum(ours) / total if ours and total > 0 else None


def _probability(logprob: object) -> float | None:
    if not isinstance(logprob, int | float) or isinstance(logprob, bool):
        return None
    # Rounding lets some servers' logprobs of a certain token come out above 0.
    probability = math.exp(max(min(logprob, 0.0), _LEAST_LOGPROB))
    return None if math.isnan(probability) else probability


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
