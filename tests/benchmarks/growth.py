"""(i) How a step's cost grows with its rollouts: the group meeting, the scorer and the taxonomy judge, all at once.

All rollouts of a step are in flight together, as verl starts them. The rival is the same at 1,280 rollouts.
"""

import asyncio
import time
import tracemalloc
from collections.abc import Iterator

from speciarl_verl.config.schema import parse_config
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import TaxonomyJudgeConfig
from speciarl_verl.rollout.scorer import GroupScorer, Rollout
from tests.benchmarks.measurement import Comparison, Labels

N = 10
BASE = 1_280
STEPS = (128, 1_280, 6_400, 12_800, 25_600)
ANSWERS = ("bird", "albatross", "Laysan Albatross", "poodle", "Black footed Albatross")
_RIVAL, _LIMIT = f"the same at {BASE} rollouts", "1: every rollout is looked at"
_TIME = Labels("i time", "CPU us a rollout", _RIVAL, _LIMIT)
_MEMORY = Labels("i memory", "kB a rollout at the peak", _RIVAL, _LIMIT)


def run(pairs: int) -> Iterator[Comparison]:
    """Every number of rollouts against 1,280, run as often as makes the same number."""
    for rollouts in STEPS:
        repeats = max(1, BASE // rollouts)
        ours = lambda: _cpu_us(rollouts, repeats)  # noqa: E731, B023
        yield _TIME.compare(f"{rollouts} rollouts", ours, lambda: _cpu_us(BASE, max(1, rollouts // BASE)), pairs)  # noqa: B023
    base = _peak_kb(BASE)
    for rollouts in STEPS:
        yield _MEMORY.of(f"{rollouts} rollouts", [_peak_kb(rollouts)], [base])


def _cpu_us(rollouts: int, repeats: int) -> float:
    scorer = _scorer()
    started = time.process_time()
    for _ in range(repeats):
        asyncio.run(_step(scorer, rollouts))
    return (time.process_time() - started) * 1e6 / (rollouts * repeats)


def _peak_kb(rollouts: int) -> float:
    scorer = _scorer()
    tracemalloc.start()
    try:
        asyncio.run(_step(scorer, rollouts))
        return tracemalloc.get_traced_memory()[1] / 1024 / rollouts
    finally:
        tracemalloc.stop()


def _scorer() -> GroupScorer:
    return GroupScorer(parse_config({"judge": {"name": "taxonomy"}}), build_judge(TaxonomyJudgeConfig()))


async def _step(scorer: GroupScorer, rollouts: int) -> None:
    groups = -(-rollouts // N)
    rewards = await asyncio.gather(*(_rollout(scorer, group, number) for group in range(groups) for number in range(N)))
    assert len(rewards) == groups * N
    assert len(scorer.meeting) == 0


async def _rollout(scorer: GroupScorer, group: int, number: int) -> float:
    text = f"<think> ok </think><answer>{ANSWERS[number % len(ANSWERS)]}</answer>"
    rollout = Rollout(text, "Black footed Albatross", response_tokens=20, max_response_tokens=64)
    async with scorer.meeting.seat(str(group), number, N) as seat:
        # As though it were generated: siblings come in turn.
        await asyncio.sleep(0)
        return (await scorer.score_in_group(rollout, seat)).reward
