"""The LLM judge: a client of an SGLang- or vLLM-hosted model, or of any OpenAI-compatible chat endpoint.

A question that was answered before is never sent again (../cache), and whoever asks for a pair that is being judged
waits for the same answer. An answer off the menu is asked for once more and is then an error, so a server that does not
hold its model to the menu is found out here and not in the rewards.

Config keys: `speciarl.judge.*` of `LLMJudgeConfig` and `ServerJudgeConfig`.
Source: arXiv 2603.03197, section 3 (one pair a call, temperature 0).
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakKeyDictionary

from speciarl_verl.errors import CacheError, JudgeError
from speciarl_verl.judge.cache.answers import Answer, AnswerCache, Entry
from speciarl_verl.judge.cache.open import open_cache
from speciarl_verl.judge.judge_config import JUDGE_KEYS, ServerJudgeConfig
from speciarl_verl.judge.ledger import Ledger
from speciarl_verl.judge.llm.coalesce import Coalescer
from speciarl_verl.judge.llm.question import Form, make_forms
from speciarl_verl.judge.llm.reply import read_reply
from speciarl_verl.judge.llm.vote import majority
from speciarl_verl.judge.protocol import Pair, Source, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.server_client.discovery import Dialect, Service, discover
from speciarl_verl.server_client.endpoint import Endpoint, SettingNames
from speciarl_verl.server_client.failure import ServerError, ServerFailureError, ServerRefusalError, UnusableAnswerError
from speciarl_verl.server_client.transport import Patience, Transport

logger = logging.getLogger(__name__)

# A router needs some seconds to notice that one of its servers died.
_CHECK_RETRY_S = 6.0
_CHECK_PAIR = Pair(prediction="robin", ground_truth="European robin")


@dataclass(frozen=True)
class _Opinion:
    """The outcome of one question."""

    answer: Answer
    category: Category
    source: Source


@dataclass(frozen=True)
class _Connection:
    """What belongs to one event loop and must not be used from another."""

    transport: Transport
    cache: AnswerCache
    verdicts: Coalescer[Pair, Verdict] = field(default_factory=Coalescer)
    services: Coalescer[str, Service] = field(default_factory=Coalescer)


class ServerJudge:
    """Asks the configured server. Nothing is sent, and no cache opened, before the first `judge` or `check`."""

    def __init__(
        self, config: ServerJudgeConfig, ledger: Ledger | None = None, names: SettingNames = JUDGE_KEYS
    ) -> None:
        """Read the rubric and the API key.

        Args:
            ledger: requests, tokens and times are counted there.
            names: what the settings are called where this judge is used, for messages.

        Raises:
            JudgeError: no URL is configured, a rubric or the key cannot be read, or the named variable is not set.
        """
        self._config = config
        self._ledger = ledger or Ledger()
        try:
            self._endpoint = config.endpoint(names)
        except ServerError as error:
            raise JudgeError(str(error)) from error
        self._forms = make_forms(config)
        self._patience = Patience(config.timeout_s, config.budget_s, retry_s=config.budget_s)
        self._service: Service | None = None
        self._cache_works = True
        self._connections: WeakKeyDictionary[asyncio.AbstractEventLoop, _Connection] = WeakKeyDictionary()

    async def judge(self, pair: Pair) -> Verdict:
        """Get the verdict on one pair, out of the cache where it is known.

        Raises:
            JudgeError: the server gave none within the budget; the message names it, the last error and the cure.
        """
        verdicts = self._connection().verdicts
        if pair in verdicts:
            return replace(await verdicts.join(pair), source=Source.COALESCED)
        return await verdicts.run(pair, partial(self._decide, pair))

    async def ask_afresh(self, pair: Pair) -> Category:
        """What the server says of a pair now, by the first rubric; no cache is read or written.

        Raises:
            JudgeError: see `judge`.
        """
        service = await self._found_service(self._patience)
        return (await self._ask(self._forms[0], pair, service, self._patience)).category

    async def check(self) -> None:
        """Have one real pair judged, with hardly any retries: a server that is not there is reported in seconds.

        Raises:
            JudgeError: the server cannot be reached, refuses, or answers off the menu; or the cache cannot be had.
        """
        timeout_s = self._config.timeout_s
        patience = Patience(timeout_s, budget_s=timeout_s, retry_s=min(_CHECK_RETRY_S, timeout_s))
        try:
            connection = self._connection()
            await connection.cache.get("check")
            service = await self._found_service(patience)
            opinions = [await self._ask(form, _CHECK_PAIR, service, patience) for form in self._forms]
        except CacheError as error:
            raise JudgeError(str(error)) from error
        except JudgeError as error:
            url = self._endpoint.names.url
            raise JudgeError(
                f"the judge does not answer as it must: {error} Is the server of {url} started and ready?"
            ) from error
        said = ", ".join(opinion.category.label for opinion in opinions)
        logger.info("judge server %s: %s, checked: %s", self._endpoint.api, service, said)

    async def close(self) -> None:
        """Give up what is in flight on this event loop and close its connections."""
        connection = self._connections.pop(asyncio.get_running_loop(), None)
        if connection is not None:
            await connection.verdicts.cancel()
            await connection.services.cancel()
            await connection.transport.close()
            await connection.cache.close()

    def _connection(self) -> _Connection:
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is None:
            try:
                transport = Transport(self._endpoint, self._config.max_concurrency, self._ledger, self._config.proxy)
                cache = open_cache(self._config)
            except (CacheError, ServerError) as error:
                raise JudgeError(str(error)) from error
            connection = self._connections[loop] = _Connection(transport, cache)
        return connection

    async def _decide(self, pair: Pair) -> Verdict:
        service = await self._found_service(self._patience)
        if len(self._forms) == 1:
            opinion = await self._opinion(self._forms[0], pair, service)
            return Verdict(opinion.category, opinion.source, opinion.answer.confidence)
        opinions = await asyncio.gather(*(self._opinion(form, pair, service) for form in self._forms))
        ballot = majority([opinion.category for opinion in opinions])
        from_cache = all(opinion.source is Source.CACHE for opinion in opinions)
        return Verdict(ballot.category, Source.CACHE if from_cache else Source.SERVER, agreement=ballot.agreement)

    async def _opinion(self, form: Form, pair: Pair, service: Service) -> _Opinion:
        key = form.key(pair, service)
        known = await self._remembered(key)
        category = None if known is None else form.menu.category(known.text)
        if known is not None and category is not None:
            return _Opinion(known, category, Source.CACHE)
        opinion = await self._ask(form, pair, service, self._patience)
        await self._remember(Entry(key, opinion.answer, service.model, pair.prediction, pair.ground_truth))
        return opinion

    async def _ask(self, form: Form, pair: Pair, service: Service, patience: Patience) -> _Opinion:
        body = form.written(pair, service)
        read = partial(read_reply, menu=form.menu)
        useless = []
        for _ in range(2):
            try:
                reply = await self._connection().transport.chat(body, read, patience)
            except ServerError as error:
                raise JudgeError(_failed(self._endpoint, error, pair)) from error
            self._ledger.prompt_tokens += reply.prompt_tokens
            self._ledger.cached_prompt_tokens += reply.cached_prompt_tokens
            self._ledger.completion_tokens += reply.completion_tokens
            category = form.menu.category(reply.text)
            if category is not None:
                return _Opinion(Answer(reply.text, reply.confidence), category, Source.SERVER)
            self._ledger.off_menu += 1
            useless.append(self._endpoint.without_key(reply.text))
        raise JudgeError(_off_menu(self._endpoint, service, useless, pair, form))

    async def _found_service(self, patience: Patience) -> Service:
        if self._service is None:
            connection = self._connection()
            find = partial(discover, connection.transport, self._endpoint, self._config.model, patience)
            try:
                self._service = await connection.services.run(self._endpoint.api, find)
            except ServerError as error:
                raise JudgeError(str(error)) from error
        return self._service

    async def _remembered(self, key: str) -> Answer | None:
        try:
            return await self._connection().cache.get(key)
        except CacheError as error:
            self._note_cache_error(error)
            return None

    async def _remember(self, entry: Entry) -> None:
        try:
            await self._connection().cache.put(entry)
        except CacheError as error:
            self._note_cache_error(error)

    def _note_cache_error(self, error: CacheError) -> None:
        self._ledger.cache_errors += 1
        if self._cache_works:
            logger.warning("%s; the judge goes on without it and may pay for the same pair again", error)
            self._cache_works = False


def _failed(endpoint: Endpoint, error: ServerError, pair: Pair) -> str:
    """The error, with the pair where it may be the pair's fault."""
    if isinstance(error, UnusableAnswerError):
        return (
            f"{endpoint.names.server} {endpoint.api}: {error} for {pair}: something there keeps the answer back. "
            f"Switch its filter off, or name another model in {endpoint.names.model}."
        )
    if isinstance(error, ServerRefusalError) and not error.of_the_request:
        return str(error)
    if isinstance(error, ServerFailureError) and error.unreachable:
        return str(error)
    return f"{error} The pair was {pair}."


def _off_menu(endpoint: Endpoint, service: Service, answers: list[str], pair: Pair, form: Form) -> str:
    said = " and then ".join(repr(answer[:80]) for answer in answers)
    names = endpoint.names
    constraint = (
        "this kind of server is not held to the menu by a constraint"
        if service.dialect is Dialect.OTHER
        else f"the server ({service.dialect.value}) did not keep to the constraint that it was sent"
    )
    cure = "Use a stronger judge model, or SGLang or vLLM."
    if any(answer.lstrip().startswith(("<think", "[THINK]", "<|channel|>")) for answer in answers):
        cure = f"The model thinks first: switch that off at the server, or give it room to end, by {names.body}."
    return (
        f"{names.server} {endpoint.api}: model {service.model} answered {said} for {pair}, none of "
        f"{', '.join(form.menu.choices)}; {constraint}. {cure}"
    )
