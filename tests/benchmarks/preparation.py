"""(a) What a rollout costs in CPU seconds besides its generation: the agent-loop worker against stock verl's.

Everything but the engine is real: loops, processor, positions, fields, the taxonomy judge and TransferQueue's own
encoding; pictures and fields are serialised and sent through a socket to a process that reads them. Counted apart:
preparation (decoding and the processor's calls) and transport (serialising and sending, which no sharing lessens:
verl gives every rollout's features to TransferQueue and every rollout's picture to the engine).
"""

import asyncio
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image

from tests.benchmarks.measurement import Comparison, Labels
from tests.benchmarks.sink import send, sink
from tests.plugin.rollout_world import (
    FakeEngine,
    build_worker,
    picture,
    run_configuration,
    run_group,
    save_processor,
    transfer_queue,
)

SIZES = ((500, 375), (1024, 768))
ROLLOUTS = (1, 4, 10, 16)
RESPONSE = "<think> ok </think><answer>albatross</answer>"
GROUPS = 3

_RIVAL = "stock verl's worker and single-turn loop, which give no reward"
_LABELS = {
    "preparation": Labels("a preparation", "CPU ms a rollout", _RIVAL, "1/2N: one of the 2N passes of the processor"),
    "transport": Labels("a transport", "CPU ms a rollout", _RIVAL, "1: every rollout's fields and picture travel"),
    "whole loop": Labels("a whole loop", "CPU ms a rollout", _RIVAL, "transport, and one preparation in N"),
}


@dataclass
class Spent:
    """Seconds of the threads that did it."""

    preparation: float = 0.0
    transport: float = 0.0


def run(pairs: int) -> Iterator[Comparison]:
    """Every size at every N."""
    # Ray gives the threads of a worker's torch one core.
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, sink() as socket:
        save_processor("qwen2_5_vl", Path(name))
        for width, height in SIZES:
            image = picture(width, height)
            for rollouts in ROLLOUTS:
                yield from _compare(Path(name), image, rollouts, socket, pairs)


def _compare(model: Path, image: Image.Image, rollouts: int, socket: Any, pairs: int) -> Iterator[Comparison]:
    case = f"N = {rollouts}, {image.width}x{image.height}"
    samples: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    measured = {stock: _Worker(model, socket, stock=stock) for stock in (True, False)}
    for number in range(pairs + 1):
        for stock in (True, False) if number % 2 else (False, True):
            figures = measured[stock].measure(image, rollouts)
            if number:
                samples[stock].append(figures)
    for part, labels in _LABELS.items():
        yield labels.of(case, [s[part] for s in samples[False]], [s[part] for s in samples[True]])


class _Engine(FakeEngine):
    """An engine in another process, as far as sending it the request goes."""

    def __init__(self, socket: Any, spent: Spent) -> None:
        super().__init__(RESPONSE)
        self._socket, self._spent = socket, spent

    async def generate(self, **request: Any) -> Any:
        started = time.thread_time()
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(request, protocol=5, buffer_callback=buffers.append)
        send(self._socket, [head, *(buffer.raw() for buffer in buffers)])
        self._spent.transport += time.thread_time() - started
        output = await super().generate()
        self.requests.clear()
        return output


class _Queue:
    """TransferQueue in another process, as far as its encoding and sending go."""

    def __init__(self, socket: Any, spent: Spent) -> None:
        self._socket, self._spent = socket, spent

    async def kv_put(self, **entry: Any) -> None:
        self._send(entry)

    async def kv_batch_put(self, keys: list[str], fields: Any, tags: list[Any], partition_id: str) -> None:
        # One value a field, as TransferQueue's storage takes them.
        self._send({"fields": {name: _values(column) for name, column in fields.items()}, "tags": tags})

    def _send(self, message: object) -> None:
        from transfer_queue.utils.serial_utils import encode

        started = time.thread_time()
        send(self._socket, encode(message))
        self._spent.transport += time.thread_time() - started


def _values(column: Any) -> list[Any]:
    return list(column.unbind(0)) if isinstance(column, torch.Tensor) else column.tolist()


class _Worker:
    def __init__(self, model: Path, socket: Any, *, stock: bool) -> None:
        self._spent = Spent()
        self._queue = _Queue(socket, self._spent)
        loop = ["actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent"] if stock else []
        with transfer_queue(self._queue):
            self._worker = build_worker(run_configuration(model, *loop), _Engine(socket, self._spent), stock=stock)

    def measure(self, image: Image.Image, rollouts: int) -> dict[str, float]:
        """CPU milliseconds a rollout, by part."""
        self._spent.preparation = self._spent.transport = 0.0
        with transfer_queue(self._queue), self._watched():
            started = time.process_time()
            asyncio.run(self._groups(image, rollouts))
            whole = time.process_time() - started
        each = 1000 / (rollouts * GROUPS)
        spent = {"preparation": self._spent.preparation, "transport": self._spent.transport, "whole loop": whole}
        return {part: seconds * each for part, seconds in spent.items()}

    async def _groups(self, image: Image.Image, rollouts: int) -> None:
        for number in range(GROUPS):
            await run_group(self._worker, image, rollouts, uid=str(number))

    @contextmanager
    def _watched(self) -> Iterator[None]:
        import qwen_vl_utils

        processor = type(self._worker.processor)
        with ExitStack() as patches:
            for owner, name in ((qwen_vl_utils, "process_vision_info"), (processor, "__call__")):
                patches.enter_context(patch.object(owner, name, self._timed(getattr(owner, name))))
            yield

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self._spent.preparation += time.thread_time() - started

        return timed
