"""One question to the LLM: the rubric and what may be answered, which never change within a run, and the pair behind.

The rubric is the system message, so that the server computes it once and serves it from its prefix cache; the pair is
the whole user message, unless the rubric brings one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from speciarl_verl.errors import JudgeError
from speciarl_verl.judge.judge_config import LLMJudgeConfig, MaxTokensKey, Output
from speciarl_verl.judge.llm.rubric import SLOT, Menu, Rubric, load_rubric
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.wording import without_punctuation
from speciarl_verl.server_client.discovery import Dialect, Service, dialect_fields

# Valid JSON escapes. A prediction may spell out a chat template's control tokens (<|im_end|>, [INST]), which the
# server's tokenizer would take for real ones; no quoting of JSON's own prevents that.
_CONTROL = str.maketrans({"<": "\\u003c", ">": "\\u003e", "[": "\\u005b", "]": "\\u005d"})
_TOP_LOGPROBS = 20
_PLACE = "\0the user's text\0"
"""In a text that is written once, where the text of each pair comes."""


@dataclass(frozen=True)
class _Texts:
    """What is the same for all pairs, before, between and after the user's texts."""

    body: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """The question without its pair.

    Attributes:
        temperature: 0 for a verdict that stays the same; None leaves it to the server.
        seed: tells the calls of a vote apart; None where there is but one.
        max_tokens_key: how the server is told the length of an answer.
        extra_body: the user's fields, in place of ours of that name.
    """

    rubric: Rubric
    output: Output
    temperature: float | None = 0.0
    seed: int | None = None
    max_tokens_key: MaxTokensKey = MaxTokensKey.MAX_TOKENS
    extra_body: Mapping[str, object] = field(default_factory=dict)
    _known_texts: dict[Service, "_Texts"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def menu(self) -> Menu:
        """What may be answered."""
        return self.rubric.menu(self.output)

    @cached_property
    def system(self) -> dict[str, str]:
        """The constant message."""
        return {"role": "system", "content": self.rubric.system(self.output)}

    def body(self, pair: Pair, service: Service) -> dict[str, object]:
        """The chat request for one pair, in the server's dialect."""
        return self._body(_user_text(pair, self.rubric), service)

    def written(self, pair: Pair, service: Service) -> bytes:
        """The same as JSON, of which only the pair is written anew."""
        return _with_text(self._texts(service).body, _user_text(pair, self.rubric))

    def key(self, pair: Pair, service: Service) -> str:
        """SHA-256 of all that the answer depends on, in hexadecimal. The server's address is not part of it."""
        return hashlib.sha256(_with_text(self._texts(service).key, _user_text(pair, self.rubric))).hexdigest()

    def _texts(self, service: Service) -> "_Texts":
        if service not in self._known_texts:
            body = json.dumps(self._body(_PLACE, service))
            everything = json.dumps(self._everything(_PLACE, service), sort_keys=True)
            self._known_texts[service] = _Texts(_around_place(body), _around_place(everything))
        return self._known_texts[service]

    def _body(self, text: str, service: Service) -> dict[str, object]:
        return {
            "model": service.model,
            "messages": [self.system, _user_message(text)],
            **self._sampling(),
            **dialect_fields(service.dialect, self.menu.choices),
            **self.extra_body,
        }

    def _everything(self, text: str, service: Service) -> list[object]:
        constrained = list(self.menu.choices) if service.dialect is not Dialect.OTHER else None
        sampling = {**self._sampling(), **self.extra_body}
        return [self.system, _user_message(text), sampling, service.model, service.weights, constrained]

    def _sampling(self) -> dict[str, object]:
        sampling: dict[str, object] = {}
        if self.temperature is not None:
            sampling["temperature"] = self.temperature
        if self.max_tokens_key is not MaxTokensKey.NONE:
            sampling[self.max_tokens_key.value] = self.menu.max_tokens
        if self.output is Output.LETTER:
            sampling |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        if self.seed is not None:
            sampling["seed"] = self.seed
        return sampling


def make_forms(config: LLMJudgeConfig) -> tuple[Form, ...]:
    """The questions that are asked of each pair: one, or one for each vote.

    Raises:
        JudgeError: a rubric cannot be used, or those of a vote do not offer the same categories.
    """
    votes = config.votes
    if votes.prompts:
        rubrics = [load_rubric(prompt) for prompt in votes.prompts]
        if len({frozenset(rubric.grades.values()) for rubric in rubrics}) > 1:
            raise JudgeError(
                f"speciarl.judge.votes.prompts {', '.join(votes.prompts)}: these rubrics grade into different "
                "categories and cannot vote together"
            )
        return tuple(_form(rubric, config) for rubric in rubrics)
    form = _form(load_rubric(config.prompt), config)
    if votes.calls == 1:
        return (form,)
    return tuple(replace(form, temperature=votes.temperature, seed=seed) for seed in range(votes.calls))


def _form(rubric: Rubric, config: LLMJudgeConfig) -> Form:
    return Form(
        rubric,
        config.output,
        config.temperature,
        max_tokens_key=config.max_tokens_key,
        extra_body=config.extra_body,
    )


def _user_text(pair: Pair, rubric: Rubric) -> str:
    """The pair as JSON, in which whatever the prediction holds stays inside a string; or as the rubric shows it."""
    data = {"ground_truth": pair.ground_truth, "prediction": pair.prediction}
    if rubric.normalise:
        data = {name: without_punctuation(text) for name, text in data.items()}
    as_json = json.dumps(data, ensure_ascii=False).translate(_CONTROL)
    slots = {**data, "pair": as_json}
    text = as_json if rubric.user is None else SLOT.sub(lambda slot: slots[slot[0][1:-1]], rubric.user)
    # Half a surrogate pair cannot be sent as UTF-8.
    return text.encode("utf-8", "replace").decode("utf-8")


def _user_message(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _around_place(written: str) -> tuple[str, ...]:
    """The pieces of a JSON text between which the user's text belongs."""
    return tuple(written.split(json.dumps(_PLACE)))


def _with_text(pieces: tuple[str, ...], text: str) -> bytes:
    return json.dumps(text).join(pieces).encode()
