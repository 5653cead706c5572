"""Predicting with vLLM on this machine: one worker process a GPU (or one on a CPU), fed picture by picture.

This process loads neither torch nor vLLM. A worker gets a device of its own by CUDA_VISIBLE_DEVICES, and as many
pictures in flight as its engine batches, so that no device waits for another; it ends when this process does.
"""

import multiprocessing
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.predict.engine import PictureResponses
from speciarl_verl.evaluation.predict.vllm_messages import Broken, Report, VllmSettings
from speciarl_verl.evaluation.predict.vllm_worker import work


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    devices: str | None
    flying: int = 0


class VllmEngine:
    """Workers of this machine."""

    def __init__(self, settings: VllmSettings, workers: int) -> None:
        """Start the workers and wait until all are ready.

        Raises:
            EvaluationError: there are not so many GPUs, or an engine does not start.
        """
        self._settings = settings
        gpus = int(settings.run.engine_args.get("tensor_parallel_size", 1))
        devices = share_devices(workers, gpus)
        self._workers = [_start(settings, shown) for shown in devices]
        try:
            for _ in self._workers:
                self._next(self._workers)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join(timeout=20)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def answers(self, pictures: Sequence[PictureRow]) -> Generator[PictureResponses, None, None]:
        """See `Engine.answers`."""
        waiting = iter(pictures)
        left = len(pictures)
        for _ in range(self._settings.window):
            for worker in self._workers:
                self._feed(worker, waiting)
        while left:
            worker, report = self._next([worker for worker in self._workers if worker.flying])
            if isinstance(report, PictureResponses):
                left -= 1
                worker.flying -= 1
                self._feed(worker, waiting)
                yield report

    def _feed(self, worker: _Worker, waiting: Iterator[PictureRow]) -> None:
        picture = next(waiting, None)
        if picture is not None:
            # A worker that died is found out by reading, after the answers that it sent before.
            with suppress(OSError):
                worker.pipe.send(picture)
            worker.flying += 1

    def _next(self, workers: Sequence[_Worker]) -> tuple[_Worker, Report]:
        by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in workers}
        worker = by_pipe[wait(list(by_pipe))[0]]
        try:
            report: Report = worker.pipe.recv()
        except (EOFError, OSError):
            raise EvaluationError(_death(worker, self._settings.log)) from None
        if isinstance(report, Broken):
            raise EvaluationError(f"vLLM {report.reason} (its log: {self._settings.log})")
        return worker, report


def share_devices(workers: int, gpus: int) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each worker; None leaves everything as it is (one worker).

    Raises:
        EvaluationError: there are fewer GPUs than asked for.
    """
    if workers == 1:
        return [None]
    devices = visible_devices()
    if len(devices) < workers * gpus:
        raise EvaluationError(
            f"--data-parallel {workers} with {gpus} GPU(s) each needs {workers * gpus}: {len(devices)} are visible"
        )
    return [",".join(devices[first : first + gpus]) for first in range(0, workers * gpus, gpus)]


def visible_devices() -> list[str]:
    """The GPUs that this process may use, as CUDA names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [device for device in chosen.split(",") if device.strip()]
    folder = "/proc/driver/nvidia/gpus"
    return [str(index) for index, _ in enumerate(os.listdir(folder))] if os.path.isdir(folder) else []


def _start(settings: VllmSettings, devices: str | None) -> _Worker:
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    # Not a daemon: vLLM starts processes of its own. The worker watches for the end of this process instead.
    process = context.Process(target=work, args=(its, settings, devices), name="speciarl-predict")
    process.start()
    its.close()
    return _Worker(process, mine, devices)


def _death(worker: _Worker, log: str) -> str:
    worker.process.join(timeout=10)
    code = worker.process.exitcode
    return (
        f"vLLM's worker process ended by itself ({'still running' if code is None else f'exit code {code}'}); "
        f"out of memory? Its log: {log}. Repeat the command to resume"
    )
