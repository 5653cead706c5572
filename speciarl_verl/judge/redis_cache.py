"""The cache in Redis, for runs over several machines. Needs the extra `redis`."""

import json
import logging

from speciarl_verl.judge.cache import Answer, CacheError, Entry

logger = logging.getLogger(__name__)

_PREFIX = "speciarl:answer:1:"
_TIMEOUT_S = 5.0


class RedisCache:
    """One JSON object a key, kept for ever; give the server a memory limit and an eviction policy of your choice."""

    def __init__(self, url: str, password: str | None) -> None:
        """Nothing is sent yet.

        Raises:
            CacheError: the client is not installed.
        """
        try:
            from redis.asyncio import Redis
            from redis.exceptions import RedisError
        except ImportError as error:
            raise CacheError(
                f"verdict cache {url}: the package redis is missing: pip install 'speciarl_verl[redis]'"
            ) from error
        self._url = url
        self._error = RedisError
        self._client = Redis.from_url(
            url,
            password=password,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            decode_responses=True,
            encoding_errors="replace",
        )

    async def get(self, key: str) -> Answer | None:
        """See `AnswerCache.get`; a value that is not ours counts as none and is written anew."""
        try:
            value = await self._client.get(_PREFIX + key)
        except self._error as error:
            raise CacheError(f"verdict cache {self._url}: {error}") from error
        if value is None:
            return None
        try:
            return _read(value)
        except ValueError:
            logger.warning(
                "verdict cache %s: the value of %s%s is not ours, it is written anew", self._url, _PREFIX, key
            )
            return None

    async def put(self, entry: Entry) -> None:
        """See `AnswerCache.put`."""
        answer = entry.answer
        value = {
            "text": answer.text,
            "confidence": answer.confidence,
            "model": entry.model,
            "prediction": entry.prediction,
            "ground_truth": entry.ground_truth,
        }
        try:
            await self._client.set(_PREFIX + entry.key, json.dumps(value))
        except self._error as error:
            raise CacheError(f"verdict cache {self._url}: {error}") from error

    async def close(self) -> None:
        """See `AnswerCache.close`."""
        await self._client.aclose()


def _read(value: str) -> Answer:
    plain = json.loads(value)
    text = plain.get("text") if isinstance(plain, dict) else None
    confidence = plain.get("confidence") if isinstance(plain, dict) else None
    if not isinstance(text, str) or not isinstance(confidence, float | int | None):
        raise ValueError("not an answer")
    return Answer(text, confidence)
