"""The cache in a file that several processes use, some of which are killed."""

import asyncio
import signal
import sqlite3
import subprocess

import pytest

from speciarl_verl.judge.cache.answers import Answer
from speciarl_verl.judge.cache.sqlite import SQLiteCache
from tests.judge.cache.files import fill, kept, started
from tests.judge.entries import entry, key_of


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
