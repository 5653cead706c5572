"""(j) A step whose judge is the limit, measured and simulated: `recipes/cluster/simulate.py` against the real client.

Scorer, judge's client, cache and meeting are real, the server answers after a fixed latency, and the client's own limit
of requests in flight stands for the judge's slots. Rollouts only wait, as long as the simulation says.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from recipes.cluster.simulate import Step, draw_ends, simulate
from speciarl_verl.config.schema import SpeciaRLConfig
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.rollout.scorer import GroupScorer, Rollout
from tests.benchmarks.judge_client import fixed_latency_server
from tests.benchmarks.measurement import Comparison, Labels

STEP = Step(pictures=64, rollouts=8, workers=1, rollout_s=2.0, latency_s=0.3, slots=10**6)
SLOTS = (8, 16, 256)
"""The last is never the limit."""
_LABELS = Labels(
    "j simulated step",
    "wall s a step",
    "the simulation of the same step",
    "1: the simulation leaves out what the client itself takes",
)


def run(pairs: int) -> Iterator[Comparison]:
    """Ever more slots."""
    for slots in SLOTS:
        step = replace(STEP, in_flight=slots)
        simulated = simulate(step).judged_s
        measured = [asyncio.run(_measure(step)) for _ in range(pairs)]
        case = f"{step.pictures} x {step.rollouts} rollouts, {slots} slots of {step.latency_s} s"
        yield _LABELS.of(case, measured, [simulated] * pairs)


async def _measure(step: Step) -> float:
    with fixed_latency_server(step.latency_s) as url:
        judge = ServerJudgeConfig(url=url, cache="memory", fast_path=False, max_concurrency=step.in_flight)
        config = SpeciaRLConfig(judge=judge)
        scorer = GroupScorer(config, build_judge(judge))
        # What the first request asks of the server besides is no part of a step.
        await scorer.score_alone(_rollout("warm"))
        ends = draw_ends(step)
        started = time.perf_counter()

        async def rollout(number: int) -> None:
            uid, session = divmod(number, step.rollouts)
            async with scorer.meeting.seat(str(uid), session, step.rollouts) as seat:
                await asyncio.sleep(max(0.0, float(ends[number]) - (time.perf_counter() - started)))
                await scorer.score_in_group(_rollout(f"bird number {number}"), seat)

        await asyncio.gather(*(rollout(number) for number in range(len(ends))))
        return time.perf_counter() - started


def _rollout(answer: str) -> Rollout:
    return Rollout(f"<answer>{answer}</answer>", "House Sparrow", response_tokens=8, max_response_tokens=32)
