"""The cache in a file that is not what it should be: moved aside before, an error while open, never another answer."""

import asyncio
import logging
import os
import random
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.judge.cache.files import fill, kept
from tests.judge.entries import entry, key_of


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
