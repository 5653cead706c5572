"""The worker processes that prepare shards, a few ahead of the one that is being written."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from data_prep.error import DataPrepError

_AHEAD = 4
"""Tasks in flight for each worker: enough to keep it busy, few enough not to hold a whole data set in the queue."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def ordered_map(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Iterator[Result]]:
    """Apply `work` to every task in `workers` processes; the results come in the order of the tasks.

    With one worker it is done in this process. On an error, or when the caller leaves, what has not begun is dropped.

    Raises:
        DataPrepError: as raised by `work`; or a worker was killed from outside.
    """
    if workers <= 1:
        yield map(work, tasks)
        return
    # Forked workers have everything imported; elsewhere than on Linux, libraries may not survive a fork.
    method = "fork" if sys.platform == "linux" else "spawn"
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context(method), initializer=_start_worker)
    try:
        yield _results(pool, work, tasks, workers * _AHEAD)
    except BrokenProcessPool as error:
        raise DataPrepError(
            "a worker process was killed, probably for want of memory: run again with fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], tasks: Iterable[Task], ahead: int
) -> Iterator[Result]:
    pending: deque[Future[Result]] = deque()
    for task in tasks:
        pending.append(pool.submit(work, task))
        if len(pending) >= ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _start_worker() -> None:
    """Leave interruptions to the parent, and end with it.

    A worker whose parent was killed would wait for work for ever: its siblings hold the other end of its pipe too.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
