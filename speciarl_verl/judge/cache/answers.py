"""Answers that were paid for once, by the key of their question.

Config keys: `speciarl.judge.cache`, `speciarl.judge.cache_password_env`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from platformdirs import user_cache_path

from speciarl_verl.judge.config import LLMJudgeConfig
from speciarl_verl.judge.server.endpoint import secret_of


@dataclass(frozen=True)
class Answer:
    """What the LLM said; what it means is read off the menu each time.

    Attributes:
        confidence: in [0, 1], None where it gave none.
    """

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Entry:
    """One answer, and for whoever looks into the cache, what it answers.

    Attributes:
        key: `Form.key`, 64 hexadecimal digits.
    """

    key: str
    answer: Answer
    model: str
    prediction: str
    ground_truth: str


class CacheError(RuntimeError):
    """The cache could not be read or written. The judge goes on without it, and says so."""


class AnswerCache(Protocol):
    """Shared with other processes; used from one event loop."""

    async def get(self, key: str) -> Answer | None:
        """The answer of that key, None where there is none.

        Raises:
            CacheError: it cannot be told.
        """
        ...

    async def put(self, entry: Entry) -> None:
        """Keep an answer. When this returns, every process sees it, and it outlives this one.

        Raises:
            CacheError: it could not be kept.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_cache(config: LLMJudgeConfig) -> AnswerCache:
    """The cache that the configuration names; a broken or foreign file is moved aside.

    Raises:
        CacheError: it cannot be had; the message names the place and the cure.
        JudgeError: the named variable holds no password.
    """
    if "://" in config.cache:
        from speciarl_verl.judge.cache.redis import RedisCache

        return RedisCache(config.cache, secret_of("cache_password_env", config.cache_password_env))
    from speciarl_verl.judge.cache.sqlite import SQLiteCache

    if config.cache == "memory":
        return SQLiteCache.in_memory()
    path = user_cache_file() if config.cache == "user" else Path(config.cache).expanduser()
    return SQLiteCache.of_file(path)


def user_cache_file() -> Path:
    """Where the cache `user` lives."""
    return user_cache_path("speciarl_verl") / "verdicts.sqlite"
