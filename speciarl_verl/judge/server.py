"""The LLM judge: a client of an SGLang- or vLLM-hosted model, or of any OpenAI-compatible chat endpoint.

One request a distinct pair: verdicts are kept for the life of the process, and whoever asks for a pair that is being
judged waits for the same request. An answer that is none of the six labels is asked for once more and is then an error,
so a server that does not hold its model to the labels is found out here and not in the rewards.

Config keys: `speciarl.judge.url`, `model`, `prompt`, `timeout_s`, `budget_s`, `max_concurrency`, `api_key_env`.
Source: arXiv 2603.03197, section 3 (one pair a call, temperature 0).
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakKeyDictionary

from speciarl_verl.category import Category
from speciarl_verl.judge.coalesce import Coalescer
from speciarl_verl.judge.config import ServerJudgeConfig
from speciarl_verl.judge.dialect import Dialect, Service, dialect_fields, discover
from speciarl_verl.judge.endpoint import Endpoint
from speciarl_verl.judge.prompt import load_rubric, render_messages
from speciarl_verl.judge.protocol import JudgeError, Pair, Verdict
from speciarl_verl.judge.transport import Patience, Transport

logger = logging.getLogger(__name__)

SOURCE = "server"
SOURCE_CACHE = "cache"
_LABELS = {category.label: category for category in Category}
_MAX_TOKENS = 16
"""The longest label has 13 letters: enough even for a tokenizer of single bytes."""
_CHECK_RETRY_S = 3.0
_CHECK_PAIR = Pair(prediction="robin", ground_truth="European robin")


@dataclass(frozen=True)
class _Connection:
    """What belongs to one event loop and must not be used from another."""

    transport: Transport
    verdicts: Coalescer[Pair, Verdict] = field(default_factory=Coalescer)
    services: Coalescer[str, Service] = field(default_factory=Coalescer)


class ServerJudge:
    """Asks the configured server. Nothing is sent before the first `judge` or `check`."""

    def __init__(self, config: ServerJudgeConfig) -> None:
        """Read the rubric and the API key.

        Raises:
            JudgeError: no URL is configured, the rubric cannot be read, or the named variable holds no key.
        """
        if config.url is None:
            raise JudgeError(
                "the server judge needs speciarl.judge.url, such as http://127.0.0.1:30000 (train.sh: --judge-url)"
            )
        self._config = config
        self._endpoint = Endpoint.from_url(config.url, config.api_key_env)
        self._rubric = load_rubric(config.prompt)
        self._patience = Patience(config.timeout_s, config.budget_s, retry_s=config.budget_s)
        self._service: Service | None = None
        self._known: dict[Pair, Verdict] = {}
        self._connections: WeakKeyDictionary[asyncio.AbstractEventLoop, _Connection] = WeakKeyDictionary()

    async def judge(self, pair: Pair) -> Verdict:
        """Get the verdict on one pair, from memory where it is known.

        Raises:
            JudgeError: the server gave none within the budget; the message names it, the last error and the cure.
        """
        known = self._known.get(pair)
        if known is not None:
            return replace(known, source=SOURCE_CACHE)
        return await self._connection().verdicts.run(pair, partial(self._learn, pair))

    async def check(self) -> None:
        """Have one real pair judged, with hardly any retries: a server that is not there is reported in seconds.

        Raises:
            JudgeError: the server cannot be reached, refuses, or does not answer with one of the six labels.
        """
        timeout_s = self._config.timeout_s
        patience = Patience(timeout_s, budget_s=timeout_s, retry_s=min(_CHECK_RETRY_S, timeout_s))
        try:
            verdict = await self._ask(_CHECK_PAIR, patience)
        except JudgeError as error:
            raise JudgeError(
                f"the judge does not answer as it must: {error} Is the server of speciarl.judge.url started and ready?"
            ) from error
        logger.info("judge server %s: %s, checked: %s", self._endpoint.api, self._service, verdict.category.label)

    async def close(self) -> None:
        """Give up what is in flight on this event loop and close its connections."""
        connection = self._connections.pop(asyncio.get_running_loop(), None)
        if connection is not None:
            await connection.verdicts.cancel()
            await connection.services.cancel()
            await connection.transport.close()

    def _connection(self) -> _Connection:
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is None:
            connection = _Connection(Transport(self._endpoint, self._config.max_concurrency))
            self._connections[loop] = connection
        return connection

    async def _learn(self, pair: Pair) -> Verdict:
        verdict = await self._ask(pair, self._patience)
        self._known[pair] = verdict
        return verdict

    async def _ask(self, pair: Pair, patience: Patience) -> Verdict:
        service = self._service or await self._discover(patience)
        body = {
            "model": service.model,
            "messages": render_messages(self._rubric, pair),
            "temperature": 0,
            "max_tokens": _MAX_TOKENS,
            **dialect_fields(service.dialect, tuple(_LABELS)),
        }
        answers = []
        for _ in range(2):
            url = f"{self._endpoint.api}/chat/completions"
            answers.append(await self._connection().transport.post(url, body, _content, patience))
            category = _LABELS.get(answers[-1].strip(" \t\r\n.\"'`*").lower())
            if category is not None:
                return Verdict(category, SOURCE)
        raise JudgeError(_off_menu(self._endpoint, service, answers, pair))

    async def _discover(self, patience: Patience) -> Service:
        connection = self._connection()
        find = partial(discover, connection.transport, self._endpoint, self._config.model, patience)
        self._service = await connection.services.run(self._endpoint.api, find)
        return self._service


def _content(body: object) -> str:
    """The text of a chat completion."""
    try:
        content = body["choices"][0]["message"]["content"]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        raise ValueError("no choices with a message") from None
    if not isinstance(content, str):
        raise ValueError("the message has no text (is a reasoning parser taking it?)")
    return content


def _off_menu(endpoint: Endpoint, service: Service, answers: list[str], pair: Pair) -> str:
    said = " and then ".join(repr(answer[:80]) for answer in answers)
    constraint = (
        "this kind of server is not held to the labels by a constraint"
        if service.dialect is Dialect.OTHER
        else f"the server ({service.dialect.value}) did not keep to the constraint that it was sent"
    )
    return (
        f"judge server {endpoint.api}: model {service.model} answered {said} for {pair}, none of "
        f"{', '.join(_LABELS)}; {constraint}. Use a stronger judge model, or SGLang or vLLM."
    )
