"""(e) The judge's client beside a bare loop of its own HTTP library, against a server that answers after 200 ms."""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import Output, ServerJudgeConfig
from speciarl_verl.judge.llm.question import Form
from speciarl_verl.judge.llm.rubric import load_rubric
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.server_client.discovery import Dialect, Service
from tests.benchmarks.measurement import Comparison, Labels
from tests.servers import fixed_latency

LATENCY_S = 0.2
IN_FLIGHT = (1, 8, 64, 256, 512)
WAVES = 10
_RIVAL = "a bare loop over aiohttp"
_WALL = Labels("e wait", "wall ms a pair", _RIVAL, f"{LATENCY_S * 1000:g} ms / in flight: the server's own time")
_CPU = Labels("e work", "CPU ms a pair", _RIVAL, "one request written and one answer read")


@contextlib.contextmanager
def fixed_latency_server(latency_s: float) -> Iterator[str]:
    """The address of a judge's server, in a process of its own, that answers every request after `latency_s`."""
    command = [sys.executable, str(fixed_latency.__file__), str(latency_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def run(pairs: int) -> Iterator[Comparison]:
    """Ever more requests in flight."""
    with fixed_latency_server(LATENCY_S) as url, tempfile.TemporaryDirectory() as folder:
        for in_flight in IN_FLIGHT:
            questions = [Pair(f"prediction {number}", "House Sparrow") for number in range(WAVES * in_flight)]
            ours, bare = [], []
            for number in range(pairs):
                cache = Path(folder) / f"{in_flight}-{number}.sqlite"
                # Work that is not awaited yet, in turns which goes first.
                sides = [(judged(url, questions, cache, in_flight), ours), (bare_loop(url, questions, in_flight), bare)]
                for work, figures in sides[:: 1 if number % 2 else -1]:
                    figures.append(_spent(work, len(questions)))
            for part, labels in enumerate((_WALL, _CPU)):
                case = f"{in_flight} in flight"
                yield labels.of(case, [figures[part] for figures in ours], [figures[part] for figures in bare])
        yield _known_pairs(url, Path(folder) / "known.sqlite", pairs)


def _spent(work: Coroutine[Any, Any, tuple[float, float]], questions: int) -> tuple[float, float]:
    """Wall-clock and CPU milliseconds a question."""
    wall, cpu = asyncio.run(work)
    return wall * 1000 / questions, cpu * 1000 / questions


async def _timed(work: Callable[[], Awaitable[None]], times: int) -> tuple[float, float]:
    """Wall-clock and CPU seconds of so many at once; what was built before does not count."""
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(times)))
    return time.perf_counter() - wall, time.process_time() - cpu


def _known_pairs(url: str, cache: Path, pairs: int) -> Comparison:
    """What a step costs whose pairs are all in the cache."""
    questions = [Pair(f"prediction {number}", "House Sparrow") for number in range(1_280)]

    labels = Labels("e known pair", "CPU ms a pair", "a bare request over aiohttp", "one read of the cache")
    return labels.compare(
        "all in the cache",
        lambda: _spent(judged(url, questions, cache, 64), len(questions))[1],
        lambda: _spent(bare_loop(url, questions, 64), len(questions))[1],
        pairs,
    )


async def judged(url: str, pairs: list[Pair], cache: Path, in_flight: int) -> tuple[float, float]:
    """Seconds for the judge, its cache on disk included; it gets its pairs as the bare loop does, one for one."""
    judge = build_judge(ServerJudgeConfig(url=url, cache=str(cache), max_concurrency=in_flight))
    todo = iter(pairs)

    async def worker() -> None:
        for pair in todo:
            await judge.judge(pair)

    await judge.check()
    seconds = await _timed(worker, in_flight)
    await judge.close()
    return seconds


async def bare_loop(url: str, pairs: list[Pair], in_flight: int) -> tuple[float, float]:
    """Seconds for the same requests from a loop that does nothing else."""
    form, service = Form(load_rubric("strict"), Output.LABEL), Service(Dialect.SGLANG, "fixed")
    todo = iter(pairs)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def worker() -> None:
            for pair in todo:
                async with client.post(f"{url}/v1/chat/completions", json=form.body(pair, service)) as response:
                    assert (await response.json())["choices"][0]["message"]["content"] == "generic"

        return await _timed(worker, in_flight)
