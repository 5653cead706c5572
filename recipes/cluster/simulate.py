"""When does the judge become the limit of a step? A simulation of one step's rollouts and of the judge behind them.

    python -m recipes.cluster.simulate --latency-s 0.4 --slots 64 --rollout-s 60 --tail 0.5 --spared 0.6

Rollouts end at times drawn from a log-normal distribution, cut off where the longest response ends. Each then needs a
verdict: a share is spared (fast path, cache, a sibling's same answer); the others ask a judge of R replicas, each with
some slots, a request holding a slot for the latency, and no worker has more than its `max_concurrency` in flight. Who
comes first is served first. A judge that never waits would end the step at the last rollout plus one latency; the judge
is the limit where the step takes more than `LIMIT` longer.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import typer

LIMIT = 0.05
"""The share of a step that waiting for the judge may take."""
SIZES = ((256, 10), (1024, 16), (8192, 16))
"""Pictures and rollouts a picture: the authors' step, and larger ones."""


@dataclass(frozen=True)
class Step:
    """One step and its judge; times in seconds.

    Attributes:
        rollout_s: median time of a rollout.
        tail: standard deviation of its logarithm.
        longest: the cut, in medians.
        latency_s: of one verdict in a slot that is free.
        slots: requests that a replica works on at once.
        spared: share of the rollouts, in [0, 1], that need no request.
        in_flight: requests of one worker at once (`speciarl.judge.max_concurrency`).
    """

    pictures: int = 256
    rollouts: int = 10
    workers: int = 8
    rollout_s: float = 60.0
    tail: float = 0.5
    longest: float = 4.0
    latency_s: float = 0.4
    slots: int = 64
    replicas: int = 1
    spared: float = 0.0
    in_flight: int = 64
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a step went.

    Attributes:
        generated_s: when the last rollout ended.
        judged_s: when the last verdict was there.
        requests: verdicts that were asked for.
        waited_s: mean time of a request before it had a slot.
    """

    generated_s: float
    judged_s: float
    requests: int
    waited_s: float

    def is_limited(self, latency_s: float) -> bool:
        """Whether the judge made the step longer than `LIMIT` allows."""
        return self.judged_s > (self.generated_s + latency_s) * (1 + LIMIT)


def draw_ends(step: Step) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """When each rollout ends, shape (pictures * rollouts,); those of a picture stand together."""
    draws = np.random.default_rng(step.seed).lognormal(0.0, step.tail, step.pictures * step.rollouts)
    return np.minimum(draws, step.longest) * step.rollout_s


def simulate(step: Step, ends: Sequence[float] | None = None) -> Outcome:
    """One step; `ends` takes the place of drawn times."""
    times = draw_ends(step) if ends is None else np.asarray(ends, dtype=np.float64)
    picture = np.arange(len(times)) // step.rollouts
    # verl gives each worker a run of neighbouring pictures.
    worker = picture * step.workers // step.pictures
    asks = np.random.default_rng(step.seed + 1).random(len(times)) >= step.spared
    order = np.flatnonzero(asks)[np.argsort(times[asks], kind="stable")]
    last, waited = _serve(times[order], worker[order], step)
    return Outcome(float(times.max()), max(last, float(times.max())), len(order), waited / max(1, len(order)))


def _serve(
    arrivals: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    worker: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    step: Step,
) -> tuple[float, float]:
    """When the last request is answered, and the sum of what all waited for a slot."""
    own = [0] * step.workers
    held: list[deque[float]] = [deque() for _ in range(step.workers)]
    queue: deque[tuple[float, int]] = deque()
    busy: list[tuple[float, int]] = []
    now = waited = last = 0.0
    slots, coming = step.slots * step.replicas, 0
    while coming < len(arrivals) or busy:
        if coming < len(arrivals) and (not busy or arrivals[coming] <= busy[0][0]):
            now, who = float(arrivals[coming]), int(worker[coming])
            coming += 1
            held[who].append(now)
        else:
            now, who = heapq.heappop(busy)
            last = now
            own[who] -= 1
        while held[who] and own[who] < step.in_flight:
            own[who] += 1
            queue.append((held[who].popleft(), who))
        while queue and len(busy) < slots:
            arrived, asker = queue.popleft()
            waited += now - arrived
            heapq.heappush(busy, (now + step.latency_s, asker))
    return last, waited


def replicas_needed(step: Step) -> int | None:
    """The fewest replicas with which the judge is not the limit; None where the workers' own limit is."""
    enough = replace(step, replicas=-(-step.pictures * step.rollouts // step.slots))
    if simulate(enough).is_limited(step.latency_s):
        return None
    low, high = 0, enough.replicas
    while high - low > 1:
        middle = (low + high) // 2
        limited = simulate(replace(step, replicas=middle)).is_limited(step.latency_s)
        low, high = (middle, high) if limited else (low, middle)
    return high


def table(step: Step, spared: float) -> list[str]:
    """Replicas for each size, without and with what spares requests, as Markdown."""
    lines = [
        f"| pictures x rollouts | requests | replicas | requests, {spared:.0%} spared | replicas |",
        "|---|---|---|---|---|",
    ]
    for pictures, rollouts in SIZES:
        cells = []
        for share in (0.0, spared):
            sized = replace(step, pictures=pictures, rollouts=rollouts, spared=share)
            needed = replicas_needed(sized)
            told = "more workers" if needed is None else str(needed)
            cells += [f"{simulate(sized).requests:,}", told]
        lines.append(f"| {pictures:,} x {rollouts} | {' | '.join(cells)} |")
    return lines


def main(
    latency_s: Annotated[float, typer.Option(help="Of one verdict, in seconds (latency_p50_s of a run).")] = 0.4,
    slots: Annotated[int, typer.Option(help="Requests that one replica works on at once.")] = 64,
    rollout_s: Annotated[float, typer.Option(help="Median time of a rollout, in seconds.")] = 60.0,
    tail: Annotated[float, typer.Option(help="Standard deviation of the logarithm of that time.")] = 0.5,
    spared: Annotated[float, typer.Option(help="Share of the rollouts that need no request.")] = 0.6,
    workers: Annotated[int, typer.Option(help="Agent-loop workers.")] = 8,
    in_flight: Annotated[int, typer.Option(help="Requests of one worker at once.")] = 64,
) -> None:
    """How many replicas of the judge a step needs, for three sizes of step."""
    step = Step(latency_s=latency_s, slots=slots, rollout_s=rollout_s, tail=tail, workers=workers, in_flight=in_flight)
    for line in table(step, spared):
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
