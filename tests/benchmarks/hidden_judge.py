"""(d) What a step waits for its judge: the rollouts of a step with a judge's server of 0, 100, 300 and 1,000 ms.

Worker, loop, client, cache and meeting are real. The engine only waits: a rollout takes 2.5 to 5 s, so that the last
one's verdict is all that a judge who keeps up can add. Nothing is known to the cache, and no two answers are alike.
"""

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speciarl_verl.plugin import process_scorer
from tests.benchmarks.judge_client import fixed_latency_server
from tests.benchmarks.measurement import Comparison, Labels
from tests.plugin.rollout_world import (
    FakeEngine,
    FakeQueue,
    build_worker,
    picture,
    run_configuration,
    run_group,
    save_processor,
    transfer_queue,
)

GROUPS, ROLLOUTS = 8, 8
LATENCIES_S = (0.1, 0.3, 1.0)
_LABELS = Labels(
    "d hidden judge",
    "wall s a step",
    "the same step with a judge of 0 ms",
    "the step and one verdict: nobody knows the last answer before it is generated",
)


def run(pairs: int) -> Iterator[Comparison]:
    """Each latency beside none."""
    with tempfile.TemporaryDirectory() as name:
        save_processor("qwen2_5_vl", Path(name))
        for latency_s in LATENCIES_S:
            ours, rival = (_Step(Path(name), seconds) for seconds in (latency_s, 0.0))
            yield _LABELS.compare(f"{latency_s * 1000:g} ms, {GROUPS} x {ROLLOUTS} rollouts", ours, rival, pairs)


class _SlowEngine(FakeEngine):
    def __init__(self) -> None:
        super().__init__()
        self._answers, self._chance = itertools.count(), random.Random(0)

    async def generate(self, **request: Any) -> Any:
        self.texts = (f"<think> ok </think><answer>bird number {next(self._answers)}</answer>",)
        await asyncio.sleep(self._chance.uniform(2.5, 5.0))
        return await super().generate(**request)


class _Step:
    """One step, in seconds."""

    def __init__(self, model: Path, latency_s: float) -> None:
        self._model, self._latency_s = model, latency_s

    def __call__(self) -> float:
        process_scorer._process_scorer.cache_clear()
        with fixed_latency_server(self._latency_s) as url, transfer_queue(FakeQueue()):
            judge = ["speciarl/judge=server", f"speciarl.judge.url={url}", "speciarl.judge.cache=memory"]
            concurrency = [f"speciarl.judge.max_concurrency={GROUPS * ROLLOUTS}"]
            worker = build_worker(run_configuration(self._model, *judge, *concurrency), _SlowEngine())
            return asyncio.run(self._groups(worker))

    async def _groups(self, worker: Any) -> float:
        started = time.perf_counter()
        image = picture(500, 375)
        await asyncio.gather(*(run_group(worker, image, ROLLOUTS, uid=str(number)) for number in range(GROUPS)))
        return time.perf_counter() - started
