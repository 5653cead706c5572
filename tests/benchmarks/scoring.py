"""(b) From a finished response to its reward: our agent loop against stock verl's reward path, in CPU seconds.

Stock: the agent-loop worker prepares the picture a third time, packs a `DataProto` and sends it to a reward worker
(here: pickled, not sent), whose naive manager decodes the response and calls a function that returns a constant.
Ours: decode, answer, the taxonomy judge's verdict, the group's meeting and rule, the account's publication.
"""

import asyncio
import pickle
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image

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

ROLLOUTS, GROUPS = 10, 3
RESPONSE = "<think> ok </think><answer>albatross</answer>"
_LABELS = Labels(
    "b scoring",
    "CPU ms a rollout",
    "stock verl's reward path with a constant function",
    "0: whatever decodes a response and tells its category",
)


def run(pairs: int) -> Iterator[Comparison]:
    """Stock's third preparation grows with the picture; ours does not look at it."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, transfer_queue(FakeQueue()):
        save_processor("qwen2_5_vl", Path(name))
        config = run_configuration(Path(name))
        for width, height in ((500, 375), (1024, 768)):
            worker = build_worker(config, FakeEngine(RESPONSE), stock=True)
            output, sample = asyncio.run(_finished(worker, picture(width, height)))
            ours, stock = _Ours(worker, output, sample), _Stock(worker, output, sample)
            yield _LABELS.compare(f"N = {ROLLOUTS}, {width}x{height}", ours, stock, pairs)


async def _finished(worker: Any, image: Image.Image) -> tuple[Any, dict[str, Any]]:
    """A rollout as stock's loop returns it, and the fields of its row."""
    kept: list[tuple[Any, dict[str, Any]]] = []

    async def keep(output: Any, _validate: bool, **sample: Any) -> None:
        kept.append((output, sample))

    with patch.object(worker, "_agent_loop_postprocess", keep):
        await run_group(worker, image, 1, agent_name="single_turn_agent", data_source="bench")
    return kept[0]


def _each(started: float) -> float:
    return (time.process_time() - started) * 1000 / (ROLLOUTS * GROUPS)


class _Stock:
    def __init__(self, worker: Any, output: Any, sample: dict[str, Any]) -> None:
        from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager

        self._worker, self._output, self._sample = worker, output, sample
        self._manager_class = NaiveRewardManager

    def __call__(self) -> float:
        started = time.process_time()
        asyncio.run(self._step())
        return _each(started)

    async def _step(self) -> None:
        manager = self._manager_class(self._worker.config, self._worker.tokenizer, lambda **_rollout: 1.0)
        manager.loop = asyncio.get_running_loop()

        async def score(data: Any) -> dict[str, Any]:
            return await manager.run_single(pickle.loads(pickle.dumps(data, protocol=5)))

        handle = SimpleNamespace(compute_score=SimpleNamespace(remote=score))
        self._worker.reward_loop_worker_handles = [handle]
        for _ in range(GROUPS):
            await asyncio.gather(*(self._rollout() for _ in range(ROLLOUTS)))

    async def _rollout(self) -> None:
        output = self._output.model_copy(deep=False)
        output.reward_score, output.extra_fields = None, {}
        await self._worker._compute_score([output], kwargs=dict(self._sample))
        assert output.reward_score == 1.0


class _Ours:
    def __init__(self, worker: Any, output: Any, sample: dict[str, Any]) -> None:
        from verl.experimental.agent_loop.agent_loop import DictConfigWrap

        from speciarl_verl.plugin.agent_loop import SpeciaRLAgentLoop

        self._worker, self._output, self._sample = worker, output, sample
        self._new_loop = lambda: SpeciaRLAgentLoop(
            trainer_config=DictConfigWrap(worker.config),
            server_manager=None,
            tokenizer=worker.tokenizer,
            processor=worker.processor,
            dataset_cls=worker.dataset_cls,
            data_config=DictConfigWrap(worker.config.data),
            hf_model_type="qwen2_5_vl",
        )

    def __call__(self) -> float:
        started = time.process_time()
        asyncio.run(self._step())
        return _each(started)

    async def _step(self) -> None:
        from speciarl_verl.plugin.process_scorer import process_scorer

        loop = self._new_loop()
        scorer = process_scorer(self._worker.config).scorer
        for group in range(GROUPS):
            await asyncio.gather(*(self._rollout(loop, scorer, str(group), number) for number in range(ROLLOUTS)))

    async def _rollout(self, loop: Any, scorer: Any, uid: str, number: int) -> None:
        output = self._output.model_copy(deep=False)
        output.reward_score, output.extra_fields = None, {}
        async with scorer.meeting.seat(uid, number, ROLLOUTS) as seat:
            await loop._rewarded(output, self._sample, lambda rollout: scorer.score_in_group(rollout, seat))
        assert output.reward_score is not None
