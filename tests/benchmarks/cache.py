"""(f) The verdict cache: what a hit costs while 1, 4 and 16 processes read and write one cache at once.

Each process reads nine known answers and puts one new one, over and over; the rival does the same with the bare client
of that back end: `sqlite3` in autocommit on a write-ahead log, and redis-py.
"""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.pool
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import redis

from speciarl_verl.judge.cache.answers import AnswerCache
from speciarl_verl.judge.cache.redis import RedisCache
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.benchmarks.free_port import free_port
from tests.benchmarks.measurement import Comparison, Labels
from tests.judge.cache.test_redis import start
from tests.judge.entries import entry, key_of

PROCESSES = (1, 4, 16)
ROUNDS, HITS_A_ROUND, KNOWN = 300, 9, 1_000
_LABELS = Labels(
    "f cache",
    "wall us a hit, over all processes",
    "the bare client of the same back end",
    "one read of a mapped page (SQLite), one round trip over loopback (Redis)",
)

Work = Callable[[int, int], None]
"""Rounds of one process, the number of which comes first."""


def run(pairs: int) -> Iterator[Comparison]:
    """Both back ends with ever more processes."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        server = start(Path(name), free_port())
        stack.callback(server.stop)
        file, url = Path(name) / "answers.sqlite", server.url
        asyncio.run(_fill(SQLiteCache.of_file(file)))
        asyncio.run(_fill(RedisCache(url, None)))
        sides: dict[str, tuple[Work, Work]] = {
            "SQLite": (partial(_our_sqlite, file), partial(_bare_sqlite, file)),
            "Redis": (partial(_our_redis, url), partial(_bare_redis, url)),
        }
        for processes in PROCESSES:
            with multiprocessing.get_context("spawn").Pool(processes) as pool:
                for backend, (ours, bare) in sides.items():
                    case = f"{backend}, {processes} processes"
                    yield _LABELS.compare(case, _timed(pool, processes, ours), _timed(pool, processes, bare), pairs)


def _timed(pool: multiprocessing.pool.Pool, processes: int, work: Work) -> Callable[[], float]:
    def sample() -> float:
        started = time.perf_counter()
        # Its own keys each time: what is put must be new.
        turns = [(time.monotonic_ns() + number, ROUNDS) for number in range(processes)]
        pool.starmap(work, turns, chunksize=1)
        return (time.perf_counter() - started) * 1e6 / (ROUNDS * HITS_A_ROUND * processes)

    return sample


async def _fill(cache: AnswerCache) -> None:
    for number in range(KNOWN):
        await cache.put(entry(number))
    await cache.close()


def _our_sqlite(file: Path, who: int, rounds: int) -> None:
    asyncio.run(_ours(SQLiteCache.of_file(file), who, rounds))


def _our_redis(url: str, who: int, rounds: int) -> None:
    asyncio.run(_ours(RedisCache(url, None), who, rounds))


async def _ours(cache: AnswerCache, who: int, rounds: int) -> None:
    for turn in range(rounds):
        for number in range(HITS_A_ROUND):
            assert await cache.get(key_of((turn * HITS_A_ROUND + number) % KNOWN)) is not None
        await cache.put(entry(f"{who}-{turn}"))
    await cache.close()


def _bare_sqlite(file: Path, who: int, rounds: int) -> None:
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    for turn in range(rounds):
        for number in range(HITS_A_ROUND):
            key = key_of((turn * HITS_A_ROUND + number) % KNOWN)
            assert connection.execute("SELECT text, confidence FROM answers WHERE key = ?", (key,)).fetchone()
        new = (key_of(f"{who}-{turn}"), "specific", None, "m", "p", "g")
        connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", new)
    connection.close()


def _bare_redis(url: str, who: int, rounds: int) -> None:
    client = redis.Redis.from_url(url)
    client.set("bare", "specific")
    for turn in range(rounds):
        for _ in range(HITS_A_ROUND):
            assert client.get("bare")
        client.set(f"{who}-{turn}", "specific")
    client.close()
