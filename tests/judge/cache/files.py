"""Cache files of the SQLite tests: filled, read by a fresh opening, used by other processes."""

import subprocess
import sys
import textwrap
from pathlib import Path

from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.judge.entries import entry, key_of


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
