"""The cache in a SQLite file that any number of processes of one machine read and write at once.

Write-ahead logging: readers never wait, writers take turns, and a killed process loses nothing that it had put. It
needs a local disk (not NFS); several machines share a Redis cache instead.
"""

import asyncio
import contextlib
import logging
import sqlite3
import struct
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from speciarl_verl.errors import CacheError
from speciarl_verl.judge.cache.answers import Answer, Entry

logger = logging.getLogger(__name__)

T = TypeVar("T")

_APPLICATION_ID = 0x53504C31
"""Marks a file as ours. "SPL1"."""
_MAGIC = b"SQLite format 3\x00"
_PAGE_BYTES = 4096
_WRITE_WAIT_S = 30.0
_READ_WAIT_S = 1.0
"""Readers wait only for a recovery after a crash or for the last process's closing, both of milliseconds."""
_COLUMNS = ["key", "text", "confidence", "model", "prediction", "ground_truth"]
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
_PUT = "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"


class SQLiteCache:
    """Reads and writes on the event loop, microseconds each. What is put at the same time is one write; one that has to
    wait for another process's moves to a thread."""

    def __init__(
        self, place: str, reading: sqlite3.Connection, at_once: sqlite3.Connection, in_turn: sqlite3.Connection
    ) -> None:
        self._place = place
        self._reading = reading
        self._at_once = at_once
        self._in_turn = in_turn
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verdict-cache")
        self._rows: list[tuple[object, ...]] = []
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    def in_memory(cls) -> "SQLiteCache":
        """A cache that ends with the process."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute(_TABLE)
        return cls("in memory", connection, connection, connection)

    @classmethod
    def of_file(cls, path: Path) -> "SQLiteCache":
        """Open the file, or make it; one that is broken or not ours is moved aside with a warning.

        Raises:
            CacheError: it can be neither opened nor made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Two processes must not move each other's new file aside.
            with FileLock(f"{path}.lock", timeout=_WRITE_WAIT_S):
                _clear_the_place(path)
                writing = _open(path, _WRITE_WAIT_S)
                _prepare(writing)
            return cls(str(path), _open(path, _READ_WAIT_S), _open(path, wait_s=0.0), writing)
        except (OSError, sqlite3.Error) as error:
            raise CacheError(f"verdict cache {path}: {error}: name another file in speciarl.judge.cache") from error

    async def get(self, key: str) -> Answer | None:
        """See `AnswerCache.get`."""
        row = self._tried(lambda: self._reading.execute(_GET, (key,)).fetchone())
        if row is None:
            return None
        text, confidence = row
        if not isinstance(text, str) or not isinstance(confidence, float | None):
            raise CacheError(f"verdict cache {self._place}: damaged: {text!r}, {confidence!r} is no answer")
        return Answer(text, confidence)

    async def put(self, entry: Entry) -> None:
        """See `AnswerCache.put`."""
        texts = map(_utf8, (entry.model, entry.prediction, entry.ground_truth))
        self._rows.append((entry.key, _utf8(entry.answer.text), entry.answer.confidence, *texts))
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())
        # An answer that was paid for is kept even where nobody waits for it any more.
        await asyncio.shield(self._writing)

    async def close(self) -> None:
        """See `AnswerCache.close`; what was put is written first."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        await asyncio.to_thread(self._writer.shutdown)
        self._at_once.close()
        self._in_turn.close()
        self._reading.close()

    async def _write(self) -> None:
        """Write, in one transaction, all that was put before the event loop came to this."""
        rows, self._rows, self._writing = self._rows, [], None
        with contextlib.suppress(sqlite3.Error):
            _insert(self._at_once, rows)
            return
        loop = asyncio.get_running_loop()
        try:
            written = loop.run_in_executor(self._writer, self._tried, lambda: _insert(self._in_turn, rows))
        except RuntimeError as error:
            raise CacheError(f"verdict cache {self._place}: it is closed") from error
        await written

    def _tried(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except sqlite3.Error as error:
            raise CacheError(f"verdict cache {self._place}: {error}") from error


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        connection.executemany(_PUT, rows)


def _open(path: Path, wait_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make a new file ours; one that is ours already is not written to."""
    if _one(connection, "PRAGMA application_id") != _APPLICATION_ID:
        # Before the log is there: whoever looks at the file's first bytes must find it, and not have to open it.
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    if _one(connection, "PRAGMA journal_mode = WAL") != "wal":
        raise sqlite3.OperationalError("this file system takes no write-ahead log")
    connection.execute(_TABLE)


def _clear_the_place(path: Path) -> None:
    fault = _fault(path)
    if fault is not None:
        aside = _move_aside(path)
        logger.warning("verdict cache %s: %s; moved to %s, a new one is begun", path, fault, aside)


def _fault(path: Path) -> str | None:
    """Why an existing file cannot be our cache; None when it can, or is not there."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return None
    # Of another application's file no more than the head is read: SQLite would finish what a crash left undone in it.
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(_MAGIC) or len(head) < 100:
        return "this is no SQLite file"
    if struct.unpack_from(">i", head, 68) != (_APPLICATION_ID,):
        return "this is a database of something else"
    if size < _PAGE_BYTES:
        # SQLite takes a file of less than one page for an empty one, until it writes.
        return "damaged: cut short"
    connection = sqlite3.connect(path, timeout=_WRITE_WAIT_S)
    try:
        return _damage(connection)
    except sqlite3.OperationalError:
        # Locked or not readable: not a statement on what it holds.
        raise
    except sqlite3.DatabaseError as error:
        return f"damaged: {error}"
    finally:
        connection.close()


def _damage(connection: sqlite3.Connection) -> str | None:
    verdict = _one(connection, "PRAGMA quick_check(1)")
    if verdict != "ok":
        return f"damaged: {verdict}"
    columns = [column[1] for column in connection.execute("PRAGMA table_info(answers)")]
    return None if columns in ([], _COLUMNS) else "written by another version"


def _one(connection: sqlite3.Connection, statement: str) -> object:
    (value,) = connection.execute(statement).fetchone()
    return value


def _move_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.aside-{time.time_ns()}")
    # SQLite's own companions belong to the content.
    for suffix in ("-wal", "-shm", "-journal"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return path.rename(aside)


def _utf8(text: str) -> str:
    """Without the halves of surrogate pairs, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode("utf-8")
