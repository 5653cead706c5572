"""The cache in a file: what was put is got, and kept."""

import asyncio
import sqlite3
from unittest.mock import patch

import pytest

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache import sqlite as sqlite_cache
from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.judge.cache.files import kept
from tests.judge.entries import entry, key_of


@pytest.mark.parametrize(
    ("text", "confidence"),
    [("specific", None), ("A", 0.75), ("less specific", 0.0), ("S", 1.0), ("lösen 🐦 'x' \"y\" \x00 \n", 1e-300)],
)
async def test_get_after_put_gives_the_same_answer(path, text, confidence):
    cache = SQLiteCache.of_file(path)
    assert await cache.get(key_of(1)) is None
    await cache.put(entry(1, text, confidence))
    assert await cache.get(key_of(1)) == Answer(text, confidence)
    assert await cache.get(key_of(2)) is None
    await cache.close()
    assert await kept(path, 1) == [Answer(text, confidence)]


async def test_put_again_keeps_the_first_answer(path):
    cache = SQLiteCache.of_file(path)
    await cache.put(entry(1, "specific", 0.9))
    await cache.put(entry(1, "wrong", 0.1))
    assert await cache.get(key_of(1)) == Answer("specific", 0.9)
    await cache.close()


async def test_put_many_at_once_keeps_all(path):
    cache = SQLiteCache.of_file(path)
    await asyncio.gather(*(cache.put(entry(number)) for number in range(500)))
    assert all([await cache.get(key_of(number)) for number in range(500)])
    await cache.close()


async def test_put_many_at_once_is_one_write(path):
    cache = SQLiteCache.of_file(path)
    with patch.object(sqlite_cache, "_insert", wraps=sqlite_cache._insert) as insert:
        await asyncio.gather(*(cache.put(entry(number)) for number in range(500)))
    assert insert.call_count == 1
    await cache.close()


async def test_put_odd_texts_are_kept_beside_the_answer(path):
    cache = SQLiteCache.of_file(path)
    await cache.put(entry(1, prediction="half \ud83d", ground_truth="🐦 \x00 \u202e", model="m\udfff"))
    await cache.put(entry(2, "half \ud83d"))
    assert await cache.get(key_of(1)) == Answer("specific")
    assert await cache.get(key_of(2)) == Answer("half ?")
    await cache.close()
    row = sqlite3.connect(path).execute("SELECT prediction, ground_truth, model FROM answers WHERE text = 'specific'")
    assert row.fetchone() == ("half ?", "🐦 \x00 \u202e", "m?")


async def test_put_writes_plain_columns_anyone_can_read(path):
    cache = SQLiteCache.of_file(path)
    await cache.put(entry(1, "A", 0.5, model="judge", prediction="sparrow", ground_truth="house sparrow"))
    await cache.put(entry(2, "B"))
    await cache.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT * FROM answers ORDER BY text").fetchall()
    assert rows == [
        (key_of(1), "A", 0.5, "judge", "sparrow", "house sparrow"),
        (key_of(2), "B", None, "m", "p", "g"),
    ]
    # The opcode that every pickle of a class or a container ends with, after its protocol's head.
    assert b"\x80\x04\x95" not in path.read_bytes()


async def test_of_file_is_in_wal_mode(path):
    cache = SQLiteCache.of_file(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.with_name(path.name + "-wal").exists()
    await cache.close()


async def test_of_file_is_known_as_ours_by_its_first_bytes(path):
    # Even while nothing but the log holds the rest: an opener looks there before it lets SQLite near the file.
    cache = SQLiteCache.of_file(path)
    await cache.put(entry(1))
    assert path.read_bytes()[68:72] == b"SPL1"
    await cache.close()


async def test_in_memory_keeps_until_closed():
    first, second = SQLiteCache.in_memory(), SQLiteCache.in_memory()
    await asyncio.gather(*(first.put(entry(number, "A", 0.5)) for number in range(100)))
    assert [await first.get(key_of(number)) for number in range(100)] == [Answer("A", 0.5)] * 100
    assert await second.get(key_of(1)) is None
    await first.close()
    await second.close()


async def test_use_after_close_is_a_cache_error(path):
    cache = SQLiteCache.of_file(path)
    await cache.close()
    with pytest.raises(CacheError, match=r"verdicts\.sqlite"):
        await cache.get(key_of(1))
    with pytest.raises(CacheError, match=r"verdicts\.sqlite.*closed"):
        await cache.put(entry(1))


async def test_close_writes_what_was_put(path):
    cache = SQLiteCache.of_file(path)
    puts = [asyncio.ensure_future(cache.put(entry(number))) for number in range(200)]
    await asyncio.sleep(0)
    await cache.close()
    await asyncio.gather(*puts)
    assert None not in await kept(path, *range(200))


async def test_cancelled_put_is_written_all_the_same(path):
    cache = SQLiteCache.of_file(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    puts = [asyncio.ensure_future(cache.put(entry(number))) for number in (1, 2)]
    await asyncio.sleep(0.05)
    for put in puts:
        put.cancel()
    for put in puts:
        with pytest.raises(asyncio.CancelledError):
            await put
    other.execute("COMMIT")
    other.close()
    await cache.close()
    assert await kept(path, 2) == [Answer("specific")]
    assert await kept(path, 1) == [Answer("specific")]
