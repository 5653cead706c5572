"""Opens the cache that the configuration names.

Config keys: `speciarl.judge.cache`, `speciarl.judge.cache_password_env`.
"""

from pathlib import Path

from platformdirs import user_cache_path

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache.answers import AnswerCache
from speciarl_verl.judge.judge_config import LLMJudgeConfig
from speciarl_verl.server_client.endpoint import secret_of
from speciarl_verl.server_client.failure import ServerError


def open_cache(config: LLMJudgeConfig) -> AnswerCache:
    """The cache that the configuration names; a broken or foreign file is moved aside.

    Raises:
        CacheError: it cannot be had, or the named variable holds no password; the message names the place and the cure.
    """
    if "://" in config.cache:
        from speciarl_verl.judge.cache.redis import RedisCache

        try:
            password = secret_of("speciarl.judge.cache_password_env", config.cache_password_env)
        except ServerError as error:
            raise CacheError(str(error)) from None
        return RedisCache(config.cache, password)
    from speciarl_verl.judge.cache.sqlite import SQLiteCache

    if config.cache == "memory":
        return SQLiteCache.in_memory()
    path = user_cache_file() if config.cache == "user" else Path(config.cache).expanduser()
    return SQLiteCache.of_file(path)


def user_cache_file() -> Path:
    """Where the cache `user` lives."""
    return user_cache_path("speciarl_verl") / "verdicts.sqlite"
