"""The cache in Redis, for runs over several machines. Needs the extra `redis`."""

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeGuard
from urllib.parse import urlsplit

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache.answers import Answer, Entry

logger = logging.getLogger(__name__)

_PREFIX = "speciarl:answer:1:"
_TIMEOUT_S = 5.0
_DATABASE = re.compile(r"(/[0-9]*)?")
_CONNECTIONS = 32
"""Of one process: thousands of pairs are looked up at the same moment."""
_REST_S = 10.0


class RedisCache:
    """One JSON object a key, kept for ever; give the server a memory limit and an eviction policy of your choice.

    A server that cannot be reached is left alone for ten seconds, so that not every pair waits for a timeout.
    """

    def __init__(self, url: str, password: str | None) -> None:
        """Nothing is sent yet.

        Raises:
            CacheError: the client is not installed, or the URL names no database.
        """
        try:
            from redis import exceptions
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.credentials import UsernamePasswordCredentialProvider
        except ImportError as error:
            raise CacheError(
                f"verdict cache {url}: the package redis is missing: pip install 'speciarl_verl[redis]'"
            ) from error
        _check_database(url)
        self._url = url
        self._exceptions = exceptions
        self._fault = ""
        self._resting_until = 0.0
        pool = BlockingConnectionPool.from_url(
            url,
            # Not the password itself, which some versions show in the `repr` of a connection.
            credential_provider=UsernamePasswordCredentialProvider(password=password) if password else None,
            max_connections=_CONNECTIONS,
            timeout=_TIMEOUT_S,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # Once more, for a connection that was closed while idle.
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[exceptions.ConnectionError],
            decode_responses=True,
            encoding_errors="replace",
        )
        self._client = Redis.from_pool(pool)

    async def get(self, key: str) -> Answer | None:
        """See `AnswerCache.get`; a value that is not ours counts as none and is written anew."""
        value = await self._asked(self._client.get, _PREFIX + key)
        answer = None if value is None else _read(value)
        if value is not None and answer is None:
            logger.warning(
                "verdict cache %s: the value of %s%s is not ours, it is written anew", self._url, _PREFIX, key
            )
        return answer

    async def put(self, entry: Entry) -> None:
        """See `AnswerCache.put`."""
        answer = entry.answer
        plain = {
            "text": answer.text,
            "confidence": answer.confidence,
            "model": entry.model,
            "prediction": entry.prediction,
            "ground_truth": entry.ground_truth,
        }
        key, value = _PREFIX + entry.key, json.dumps(plain)
        # The first answer stays: whoever read it has acted on it.
        is_first = await self._asked(partial(self._client.set, nx=True), key, value)
        if not is_first and await self.get(entry.key) is None:
            await self._asked(self._client.set, key, value)

    async def close(self) -> None:
        """See `AnswerCache.close`."""
        await self._client.aclose()

    async def _asked(self, command: Callable[..., Awaitable[object]], *arguments: str) -> object:
        if time.monotonic() < self._resting_until:
            raise CacheError(self._fault)
        try:
            return await command(*arguments)
        except self._exceptions.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                return _FOREIGN
            raise CacheError(f"verdict cache {self._url}: {error}") from error
        except self._exceptions.RedisError as error:
            self._fault = f"verdict cache {self._url}: {error}"
            self._resting_until = time.monotonic() + _REST_S
            raise CacheError(self._fault) from error


_FOREIGN = object()
"""Stands for a list, set or other type of Redis's, which GET does not give."""


def _check_database(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and parts.port != 0 and _DATABASE.fullmatch(parts.path) is not None
    except ValueError:
        is_good = False
    if not is_good:
        # The client would quietly take database 0.
        raise CacheError(f"verdict cache {url}: this must look like redis://host:port/db, with a number as db")


def _read(value: object) -> Answer | None:
    """The answer in a value; None when it is not ours."""
    try:
        plain = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None
    text = plain.get("text") if isinstance(plain, dict) else None
    confidence = plain.get("confidence") if isinstance(plain, dict) else None
    if not isinstance(text, str) or not _is_confidence(confidence):
        return None
    return Answer(text, confidence)


def _is_confidence(value: object) -> TypeGuard[float | None]:
    return value is None or (isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1)
