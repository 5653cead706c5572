import asyncio
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest.mock import patch

import pytest

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache import sqlite as sqlite_cache
from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.judge.entries import entry, key_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "verdicts.sqlite"


async def kept(path: Path, *names: object) -> list[Answer | None]:
    """What a fresh opening of the file knows."""
    cache = SQLiteCache.of_file(path)
    answers = [await cache.get(key_of(name)) for name in names]
    await cache.close()
    return answers


async def fill(path: Path, *names: object) -> None:
    cache = SQLiteCache.of_file(path)
    for name in names:
        await cache.put(entry(name))
    await cache.close()


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process of its own, which sees the arguments as `sys.argv[1:]`."""
    prelude = """
    import asyncio, logging, sys, time
    from pathlib import Path
    from tests.judge.entries import entry, key_of
    from speciarl_verl.judge.cache.answers import Answer
    from speciarl_verl.judge.cache.sqlite import SQLiteCache
    logging.basicConfig(level="WARNING")
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


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


def other_application(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
        connection.execute("INSERT INTO songs VALUES ('La Paloma')")


def other_application_killed(path: Path) -> None:
    """A write-ahead log that its application has yet to bring into the file."""
    code = f"""
    import os, sqlite3
    connection = sqlite3.connect({str(path)!r}, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.execute("INSERT INTO songs VALUES ('La Paloma')")
    os._exit(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {0x53504C31}")
        connection.execute("CREATE TABLE answers (key TEXT PRIMARY KEY, verdict BLOB)")
        connection.execute("INSERT INTO answers VALUES ('k', 'v')")


UNUSABLE = [
    pytest.param(lambda path: path.write_text("my notes\n" * 500), "no SQLite file", id="text"),
    pytest.param(lambda path: path.write_bytes(b"\x00"), "no SQLite file", id="one byte"),
    pytest.param(lambda path: path.write_bytes(bytes(8192)), "no SQLite file", id="zeros"),
    pytest.param(lambda path: path.write_bytes(b"SQLite format 3\x00"), "no SQLite file", id="head alone"),
    pytest.param(other_application, "something else", id="another application's"),
    pytest.param(other_application_killed, "something else", id="another application's, killed"),
    pytest.param(another_version, "another version", id="another schema"),
]


def contents(folder: Path, name: str) -> dict[str, bytes]:
    """A file and its companions, by what follows its name."""
    found = (file for file in folder.iterdir() if file.name.startswith(name) and not file.name.endswith("-shm"))
    return {file.name.removeprefix(name): file.read_bytes() for file in found}


@pytest.mark.parametrize(("make", "reason"), UNUSABLE)
async def test_of_file_unusable_file_is_moved_aside_untouched(path, caplog, make, reason):
    path.parent.mkdir()
    make(path)
    before = contents(path.parent, path.name)
    cache = SQLiteCache.of_file(path)
    await cache.put(entry(1))
    await cache.close()
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    (aside,) = (file for file in path.parent.glob("*.aside-*") if not file.name.endswith(("-wal", "-shm")))
    assert reason in warning.getMessage()
    assert f"cache {path}:" in warning.getMessage()
    assert f"moved to {aside}," in warning.getMessage()
    assert contents(path.parent, aside.name) == before
    assert await kept(path, 1) == [Answer("specific")]
    assert len(caplog.records) == 1


async def test_of_file_other_applications_data_survives_the_move(path):
    path.parent.mkdir()
    other_application_killed(path)
    await fill(path, 1)
    (aside,) = (file for file in path.parent.glob("*.aside-*") if not file.name.endswith(("-wal", "-shm")))
    assert sqlite3.connect(aside).execute("SELECT * FROM songs").fetchall() == [("La Paloma",)]


async def test_of_file_own_damaged_file_is_moved_aside_whatever_is_missing(path, caplog):
    await fill(path, *range(300))
    whole = path.read_bytes()
    moved = 0
    for size in (1, 50, 99, 100, 101, 500, 4095, 4096, 5000, len(whole) // 2, len(whole) - 4096):
        path.write_bytes(whole[:size])
        caplog.clear()
        await fill(path, "new")
        assert [record.levelname for record in caplog.records] == ["WARNING"], size
        moved += 1
        assert sorted(file.stat().st_size for file in path.parent.glob("*.aside-*")).count(size) == 1
        assert await kept(path, "new", 0) == [Answer("specific"), None]
        path.unlink()
    assert len(list(path.parent.glob("*.aside-*"))) == moved


async def test_of_file_empty_file_is_a_new_cache(path, caplog):
    path.parent.mkdir()
    path.touch()
    await fill(path, 1)
    assert not caplog.records
    assert await kept(path, 1) == [Answer("specific")]


async def test_of_file_own_table_missing_is_begun_again(path, caplog):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {0x53504C31}")
    await fill(path, 1)
    assert not caplog.records
    assert await kept(path, 1) == [Answer("specific")]


@pytest.mark.parametrize("place", ["file/verdicts.sqlite", "folder", "/proc/speciarl/verdicts.sqlite"])
def test_of_file_place_that_cannot_be_written_names_the_cure(tmp_path, place):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CacheError, match=r"speciarl\.judge\.cache") as error:
        SQLiteCache.of_file(tmp_path / place)
    assert place in str(error.value)
    assert "\n" not in str(error.value)


def overwrite(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


@pytest.mark.parametrize(
    "content", [bytes(4096), b"\xff" * 4096, random.Random(0).randbytes(4096)], ids=["zeros", "ones", "noise"]
)
async def test_get_file_damaged_while_open_is_an_error_and_never_another_answer(path, content):
    await fill(path, *range(2000))
    cache = SQLiteCache.of_file(path)
    for page in range(1, path.stat().st_size // 4096):
        overwrite(path, page * 4096, content)
    gets = await asyncio.gather(*(cache.get(key_of(number)) for number in range(2000)), return_exceptions=True)
    errors = [got for got in gets if got != Answer("specific")]
    assert len(errors) > 1000
    assert all(isinstance(error, CacheError) and "verdicts.sqlite" in str(error) for error in errors)
    puts = await asyncio.gather(*(cache.put(entry(number)) for number in range(2000, 2100)), return_exceptions=True)
    assert any(isinstance(put, CacheError) for put in puts)
    await cache.close()


async def test_get_file_cut_while_open_is_an_error(path):
    await fill(path, *range(2000))
    cache = SQLiteCache.of_file(path)
    os.truncate(path, 8192)
    gets = await asyncio.gather(*(cache.get(key_of(number)) for number in range(2000)), return_exceptions=True)
    errors = [got for got in gets if got != Answer("specific")]
    assert len(errors) > 1000
    assert all(isinstance(error, CacheError) for error in errors)
    await cache.close()


async def test_get_value_of_another_type_is_an_error(path):
    cache = SQLiteCache.of_file(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO answers VALUES (?, x'0102', NULL, '', '', '')", (key_of(1),))
        connection.execute("INSERT INTO answers VALUES (?, 'A', 'sure', '', '', '')", (key_of(2),))
    for number in (1, 2):
        with pytest.raises(CacheError, match="damaged"):
            await cache.get(key_of(number))
    await cache.close()


async def test_put_while_another_process_writes_waits_off_the_event_loop_and_reads_go_on(path):
    await fill(path, "known")
    cache = SQLiteCache.of_file(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    put = asyncio.ensure_future(cache.put(entry("new")))
    # A loop that waited with the put would stand still until the put gave up, as the lock is released only below.
    for _ in range(50):
        await asyncio.sleep(0.01)
        assert await cache.get(key_of("known")) == Answer("specific")
        assert await cache.get(key_of("new")) is None
    assert not put.done()
    other.execute("COMMIT")
    await put
    assert await cache.get(key_of("new")) == Answer("specific")
    await cache.close()
    other.close()


async def test_close_while_another_process_writes_does_not_stop_the_event_loop(path):
    cache = SQLiteCache.of_file(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    put = asyncio.ensure_future(cache.put(entry(1)))
    await asyncio.sleep(0.05)
    closing = asyncio.ensure_future(cache.close())
    ticks = [await asyncio.sleep(0.01, tick) for tick in range(20)]
    assert not closing.done()
    assert len(ticks) == 20
    other.execute("COMMIT")
    other.close()
    await closing
    await put
    assert await kept(path, 1) == [Answer("specific")]


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


WRITER = """
async def main(path, me, count):
    cache = SQLiteCache.of_file(Path(path))
    print("ready", flush=True)
    sys.stdin.readline()
    won = []
    for number in range(count):
        await cache.put(entry(f"{me} {number}", text=f"{me} {number}"))
        assert await cache.get(key_of(f"{me} {number}")) == Answer(f"{me} {number}")
        await cache.put(entry(f"shared {number}", text=me))
        won.append((await cache.get(key_of(f"shared {number}"))).text)
        if number % 50 == 49:
            await cache.close()
            cache = SQLiteCache.of_file(Path(path))
    await cache.close()
    print(" ".join(won), flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_put_many_processes_at_once_lose_nothing_and_agree(path):
    count, people = 300, ["ada", "ben", "cem", "dov", "eva", "fay"]
    writers = [started(WRITER, path, me, count) for me in people]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * len(writers)
    outputs = [writer.communicate(timeout=120) for writer in _all_told_to_go(writers)]
    assert [writer.returncode for writer in writers] == [0] * len(writers), outputs[0][1][-2000:]
    assert {log for _, log in outputs} == {""}
    winners = {won.strip() for won, _ in outputs}
    assert len(winners) == 1
    own = [f"{me} {number}" for me in people for number in range(count)]
    shared = [f"shared {number}" for number in range(count)]
    found = await kept(path, *own, *shared)
    assert found == [Answer(text) for text in (*own, *winners.pop().split())]
    assert not list(path.parent.glob("*.aside-*"))


def _all_told_to_go(writers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return writers


ENDLESS_WRITER = """
async def main(path, me):
    cache = SQLiteCache.of_file(Path(path))
    number = 0
    while True:
        await cache.put(entry(f"{me} {number}"))
        print(number, flush=True)
        number += 1

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


@pytest.mark.parametrize("company", [0, 2])
async def test_put_killed_process_loses_nothing_that_it_had_put(path, caplog, company):
    others = _all_told_to_go([started(WRITER, path, me, 200) for me in ("ada", "ben")[:company]])
    for _ in range(3):
        with started(ENDLESS_WRITER, path, "victim") as victim:
            told = [victim.stdout.readline() for _ in range(100)]
            victim.send_signal(signal.SIGKILL)
            # Not communicate: it would pass over what is buffered, and begin in the midst of a number.
            told += [line for line in victim.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        put = [f"victim {line.strip()}" for line in told]
        assert len(put) >= 100
        assert None not in await kept(path, *put)
    for other in others:
        _, log = other.communicate(timeout=120)
        assert (other.returncode, log) == (0, "")
    assert not caplog.records


OPENER = """
async def main(path, me):
    print("ready", flush=True)
    sys.stdin.readline()
    cache = SQLiteCache.of_file(Path(path))
    await cache.put(entry(me))
    assert await cache.get(key_of(me)) == Answer("specific")
    await cache.close()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


@pytest.mark.parametrize("content", [b"not a database at all" * 100, None], ids=["foreign", "damaged"])
async def test_of_file_several_processes_move_a_broken_file_aside_once(path, content):
    if content is None:
        await fill(path, *range(300))
        content = path.read_bytes()[:8000]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    openers = [started(OPENER, path, number) for number in range(5)]
    assert [opener.stdout.readline() for opener in openers] == ["ready\n"] * 5
    logs = [opener.communicate(timeout=120)[1] for opener in _all_told_to_go(openers)]
    assert [opener.returncode for opener in openers] == [0] * 5, logs
    assert sum("moved to" in log for log in logs) == 1
    (aside,) = (file for file in path.parent.glob("*.aside-*") if not file.name.endswith(("-wal", "-shm")))
    assert aside.read_bytes() == content
    assert await kept(path, *range(5)) == [Answer("specific")] * 5
