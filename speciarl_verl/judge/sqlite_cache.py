"""The cache in a SQLite file that any number of processes of one machine read and write at once.

Write-ahead logging: readers never wait, writers take turns, and a killed process loses nothing that it had put. It
needs a local disk (not NFS); several machines share a Redis cache instead.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from speciarl_verl.judge.cache import Answer, CacheError, Entry

logger = logging.getLogger(__name__)

T = TypeVar("T")

_APPLICATION_ID = 0x53504C31
"""Marks a file as ours. "SPL1"."""
_BUSY_S = 30.0
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    confidence REAL,
    model TEXT NOT NULL,
    prediction TEXT NOT NULL,
    ground_truth TEXT NOT NULL
) WITHOUT ROWID
"""
_GET = "SELECT text, confidence FROM answers WHERE key = ?"
# The first answer stays: whoever read it has acted on it.
_PUT = "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)"


class SQLiteCache:
    """Reads on the event loop (some 10 microseconds), writes on a thread, where they may wait for other processes."""

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        # In memory there is one connection for both, so there must be one thread at a time.
        self._writing = connection if path is None else _connect(path)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verdict-cache")

    @classmethod
    def in_memory(cls) -> "SQLiteCache":
        """A cache that ends with the process."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute(_TABLE)
        return cls(None, connection)

    @classmethod
    def of_file(cls, path: Path) -> "SQLiteCache":
        """Open the file, or make it; one that is broken or not ours is moved aside with a warning.

        Raises:
            CacheError: it can be neither opened nor made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Two processes must not move each other's new file aside.
            with FileLock(f"{path}.lock", timeout=_BUSY_S):
                return cls(path, _open_or_replace(path))
        except (OSError, sqlite3.Error) as error:
            raise CacheError(f"verdict cache {path}: {error}: name another file in speciarl.judge.cache") from error

    async def get(self, key: str) -> Answer | None:
        """See `AnswerCache.get`."""
        row = self._tried(lambda: self._connection.execute(_GET, (key,)).fetchone())
        return None if row is None else Answer(row[0], row[1])

    async def put(self, entry: Entry) -> None:
        """See `AnswerCache.put`."""
        answer = entry.answer
        row = (
            entry.key,
            answer.text,
            answer.confidence,
            entry.model,
            _utf8(entry.prediction),
            _utf8(entry.ground_truth),
        )
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._tried, lambda: self._writing.execute(_PUT, row))

    async def close(self) -> None:
        """See `AnswerCache.close`; what was put is written first."""
        self._writer.shutdown(wait=True)
        self._writing.close()
        self._connection.close()

    def _tried(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except sqlite3.Error as error:
            raise CacheError(f"verdict cache {self._path or 'in memory'}: {error}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _open_or_replace(path: Path) -> sqlite3.Connection:
    fault = _fault(path)
    if fault is not None:
        aside = _move_aside(path)
        logger.warning("verdict cache %s: %s; moved to %s, a new one is begun", path, fault, aside)
    connection = _connect(path)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(_TABLE)
    return connection


def _fault(path: Path) -> str | None:
    """Why an existing file cannot be our cache; None when it can, or is not there."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    connection = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != _APPLICATION_ID:
            return "this is a file of something else"
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            return f"damaged: {verdict}"
        columns = [column[1] for column in connection.execute("PRAGMA table_info(answers)")]
        return None if columns in ([], _columns()) else "written by another version"
    except sqlite3.OperationalError:
        # Locked or not readable: not a statement on what it holds.
        raise
    except sqlite3.DatabaseError as error:
        return f"damaged: {error}"
    finally:
        connection.close()


def _columns() -> list[str]:
    with sqlite3.connect(":memory:") as connection:
        connection.execute(_TABLE)
        return [column[1] for column in connection.execute("PRAGMA table_info(answers)")]


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.aside-{time.time_ns()}")
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return path.rename(aside)


def _utf8(text: str) -> str:
    """Without the halves of surrogate pairs, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode("utf-8")
