"""Against a real redis-server (Debian's package of that name), started here on a free port."""

import asyncio
import json
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from speciarl_verl.errors import CacheError, JudgeError
from speciarl_verl.judge.cache import redis as redis_cache
from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.open import open_cache
from speciarl_verl.judge.cache.redis import RedisCache
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.protocol import Pair
from tests.judge.entries import entry, key_of

PASSWORD = "open-sesame-42"


@dataclass
class RedisServer:
    port: int
    process: subprocess.Popen[bytes]
    password: str | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def direct(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=self.password)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start(folder: Path, port: int, password: str | None = None) -> RedisServer:
    executable = shutil.which("redis-server")
    assert executable, "this test needs redis-server: apt-get install redis-server"
    command = [executable, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command += ["--dir", str(folder), "--loglevel", "warning", *(["--requirepass", password] if password else [])]
    server = RedisServer(port, subprocess.Popen(command, stdout=subprocess.DEVNULL), password)
    deadline = time.monotonic() + 30
    while True:
        try:
            server.direct.ping()
            return server
        except redis.ConnectionError:
            assert server.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def start_server(tmp_path: Path, port: int) -> Iterator[Callable[..., RedisServer]]:
    """Starts a server on the test's port, and again after it was stopped."""
    servers = []

    def started(password: str | None = None) -> RedisServer:
        servers.append(start(tmp_path, port, password))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., RedisServer]) -> RedisServer:
    return start_server()


@pytest.fixture
def guarded(start_server: Callable[..., RedisServer]) -> RedisServer:
    """A server that asks for `PASSWORD`."""
    return start_server(PASSWORD)


@pytest.mark.parametrize(
    ("text", "confidence"),
    [("specific", None), ("A", 0.75), ("A", 0.0), ("S", 1.0), ("lösen 🐦 'x' \"y\" \x00 \n", 1e-300), ("\ud83d", None)],
)
async def test_get_after_put_gives_the_same_answer(server, text, confidence):
    cache = RedisCache(server.url, None)
    assert await cache.get(key_of(1)) is None
    await cache.put(entry(1, text, confidence))
    assert await cache.get(key_of(1)) == Answer(text, confidence)
    assert await cache.get(key_of(2)) is None
    await cache.close()


async def test_put_is_seen_by_other_clients_and_outlives_this_one(server):
    first, second = RedisCache(server.url, None), RedisCache(server.url, None)
    await first.put(entry(1, "A", 0.5))
    assert await second.get(key_of(1)) == Answer("A", 0.5)
    await second.put(entry(2, "B"))
    assert await first.get(key_of(2)) == Answer("B")
    await first.close()
    assert await second.get(key_of(1)) == Answer("A", 0.5)
    await second.close()


async def test_put_again_keeps_the_first_answer(server):
    first, second = RedisCache(server.url, None), RedisCache(server.url, None)
    await first.put(entry(1, "specific", 0.9))
    await second.put(entry(1, "wrong", 0.1))
    assert await second.get(key_of(1)) == Answer("specific", 0.9)
    await asyncio.gather(*(cache.put(entry(2, text)) for text in "ABCDEF" for cache in (first, second)))
    assert await first.get(key_of(2)) == await second.get(key_of(2)) == Answer("A")
    await first.close()
    await second.close()


async def test_put_writes_plain_json_without_an_end(server):
    cache = RedisCache(server.url, None)
    await cache.put(entry(1, "A", 0.5, model="judge", prediction="spärrow \ud83d", ground_truth="house sparrow"))
    await cache.close()
    (key,) = server.direct.keys()
    assert key.decode().endswith(key_of(1))
    assert json.loads(server.direct.get(key)) == {
        "text": "A",
        "confidence": 0.5,
        "model": "judge",
        "prediction": "spärrow \ud83d",
        "ground_truth": "house sparrow",
    }
    assert server.direct.ttl(key) == -1


async def test_thousands_at_once_share_a_few_connections(server):
    cache = RedisCache(server.url, None)
    await asyncio.gather(*(cache.put(entry(number)) for number in range(2560)))
    assert await asyncio.gather(*(cache.get(key_of(number)) for number in range(2560))) == [Answer("specific")] * 2560
    assert len(server.direct.client_list()) <= 40
    await cache.close()


async def test_another_database_is_another_cache(server):
    here, there = RedisCache(server.url, None), RedisCache(f"{server.url[:-1]}3", None)
    await here.put(entry(1))
    assert await there.get(key_of(1)) is None
    await here.close()
    await there.close()


FOREIGN = [
    pytest.param(b"some text", id="text"),
    pytest.param(b"", id="empty"),
    pytest.param(b"\x80\x04\x95\xff\xfe", id="bytes"),
    pytest.param(b'"A"', id="a string"),
    pytest.param(b"[1, 2]", id="a list"),
    pytest.param(b'{"verdict": "A"}', id="another object"),
    pytest.param(b'{"text": 5}', id="a number for text"),
    pytest.param(b'{"text": "A", "confidence": "high"}', id="a word for confidence"),
    pytest.param(b'{"text": "A", "confidence": NaN}', id="no number for confidence"),
    pytest.param(b'{"text": "A", "confidence": true}', id="truth for confidence"),
    pytest.param(b'{"text": "A", "confidence": 17}', id="more than sure"),
    pytest.param(b"[" * 100_000, id="brackets without end"),
]


@pytest.mark.parametrize("value", FOREIGN)
async def test_get_foreign_value_is_none_with_a_warning_and_overwritten(server, caplog, value):
    cache = RedisCache(server.url, None)
    await cache.put(entry(1))
    (key,) = server.direct.keys()
    server.direct.set(key, value)
    assert await cache.get(key_of(1)) is None
    (warning,) = caplog.records
    assert (warning.levelno, "not ours" in warning.getMessage()) == (logging.WARNING, True)
    assert key.decode() in warning.getMessage()
    await cache.put(entry(1, "A", 0.5))
    assert await cache.get(key_of(1)) == Answer("A", 0.5)
    await cache.close()


async def test_get_value_of_another_redis_type_is_none_and_overwritten(server, caplog):
    cache = RedisCache(server.url, None)
    await cache.put(entry(1))
    (key,) = server.direct.keys()
    server.direct.delete(key)
    server.direct.rpush(key, "a", "list")
    assert await cache.get(key_of(1)) is None
    assert "not ours" in caplog.text
    await cache.put(entry(1, "A", 0.5))
    assert await cache.get(key_of(1)) == Answer("A", 0.5)
    await cache.close()


async def test_open_cache_password_comes_from_the_named_variable(guarded, monkeypatch):
    monkeypatch.setenv("CACHE_PASSWORD", PASSWORD)
    cache = open_cache(ServerJudgeConfig(cache=guarded.url, cache_password_env="CACHE_PASSWORD"))
    assert isinstance(cache, RedisCache)
    await cache.put(entry(1))
    assert await cache.get(key_of(1)) == Answer("specific")
    assert PASSWORD not in f"{cache!r} {vars(cache)!r}"
    await cache.close()


def test_open_cache_variable_not_set_is_named(monkeypatch):
    monkeypatch.delenv("CACHE_PASSWORD", raising=False)
    with pytest.raises(CacheError, match=r"cache_password_env names CACHE_PASSWORD.*not set"):
        open_cache(ServerJudgeConfig(cache="redis://127.0.0.1/0", cache_password_env="CACHE_PASSWORD"))


@pytest.mark.parametrize("password", ["not-the-word-17", None], ids=["wrong", "none"])
async def test_get_wrong_password_is_an_error_without_it(guarded, caplog, password):
    caplog.set_level(logging.DEBUG)
    cache = RedisCache(guarded.url, password)
    for _ in range(2):
        with pytest.raises(CacheError) as error:
            await cache.get(key_of(1))
        assert guarded.url in str(error.value)
        for secret in ("not-the-word-17", PASSWORD):
            assert secret not in f"{error.value} {error.value.__cause__!r} {caplog.text} {vars(cache)!r}"
    await cache.close()


async def test_server_gone_is_an_error_at_once_and_back_after_the_rest(server, start_server, monkeypatch):
    monkeypatch.setattr(redis_cache, "_REST_S", 0.0)
    cache = RedisCache(server.url, None)
    await cache.put(entry(1))
    server.stop()
    start_s = time.monotonic()
    for _ in range(20):
        with pytest.raises(CacheError, match=str(server.port)):
            await cache.get(key_of(1))
        with pytest.raises(CacheError, match=str(server.port)):
            await cache.put(entry(2))
    # What is refused is not waited for: forty times it takes less than one timeout each would.
    assert time.monotonic() - start_s < 40 * redis_cache._TIMEOUT_S / 10
    start_server()
    await cache.put(entry(1, "A"))
    assert await cache.get(key_of(1)) == Answer("A")
    await cache.close()


async def test_server_gone_is_left_alone_for_the_rest(server, start_server, monkeypatch):
    monkeypatch.setattr(redis_cache, "_REST_S", 3600.0)
    cache = RedisCache(server.url, None)
    server.stop()
    with pytest.raises(CacheError):
        await cache.get(key_of(1))
    start_server()
    with pytest.raises(CacheError, match=str(server.port)):
        await cache.get(key_of(1))
    await cache.close()


async def test_server_that_restarted_while_idle_is_used_without_an_error(server, start_server):
    cache = RedisCache(server.url, None)
    await cache.put(entry(1))
    server.stop()
    start_server()
    assert await cache.get(key_of(1)) is None
    await cache.close()


async def test_server_that_hangs_costs_one_wait_and_not_one_a_pair(port, monkeypatch):
    monkeypatch.setattr(redis_cache, "_TIMEOUT_S", 0.2)
    monkeypatch.setattr(redis_cache, "_REST_S", 3600.0)
    reached = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(writer)
        await asyncio.sleep(60)

    hung = await asyncio.start_server(hang, "127.0.0.1", port)
    cache = RedisCache(f"redis://127.0.0.1:{port}/0", None)
    for _ in range(200):
        with pytest.raises(CacheError):
            await cache.get(key_of(1))
    assert 1 <= len(reached) <= 2
    await cache.close()
    hung.close()


@pytest.mark.parametrize(
    "url", ["redis://h/speciarl", "redis://h:port/0", "redis://h:99999/0", "redis://h/1/2", "redis:///0"]
)
def test_init_url_that_the_client_would_read_otherwise_is_an_error(url):
    with pytest.raises(CacheError, match=r"redis://host:port/db") as error:
        RedisCache(url, None)
    assert url in str(error.value)


@pytest.mark.parametrize("url", ["redis://h", "redis://h/", "redis://h:6380/15", "rediss://h:1/0"])
async def test_init_url_with_or_without_a_database_is_taken(url):
    await RedisCache(url, None).close()


async def test_judge_answers_are_shared_over_redis(fake, make_judge, server):
    first, second = make_judge(cache=server.url), make_judge(cache=server.url)
    assert (await first.judge(Pair("robin", "European robin"))).source == "server"
    assert (await second.judge(Pair("robin", "European robin"))).source == "cache"
    assert len(fake.chats) == 1


async def test_judge_goes_on_without_its_cache_and_says_so_once(fake, make_judge, server, caplog):
    judge = make_judge(cache=server.url)
    await judge.judge(Pair("robin", "European robin"))
    server.stop()
    for number in range(5):
        assert (await judge.judge(Pair(f"robin {number}", "European robin"))).source == "server"
    warnings = [record.getMessage() for record in caplog.records if "goes on without it" in record.getMessage()]
    assert len(warnings) == 1
    assert server.url in warnings[0]


async def test_check_server_gone_is_an_error_that_names_it(make_judge, port):
    with pytest.raises(JudgeError, match=f"verdict cache redis://127.0.0.1:{port}/0"):
        await make_judge(cache=f"redis://127.0.0.1:{port}/0").check()
