"""Imports once what every process of a training imports, and forks those processes.

    python -u -m speciarl_verl.fork_server.forks FOLDER [HYDRA_OVERRIDE...]

In FOLDER it puts `python`, which starts what it is asked for as a fork (stand_in.py). recipes/train.sh runs it under
the CPU profile and names that `python` to Ray (`ray_kwargs.ray_init.runtime_env.py_executable`). Each of verl's seven
workers and vLLM's engine would import torch, vLLM and verl anew otherwise, one after the other. It lives until its
standard input is closed, and takes with it what is left.

What modules read from the environment as they are imported, they read here: so what the configuration gives to workers
is set before.
"""

import gc
import importlib
import logging
import os
import selectors
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speciarl_verl.fork_server.becoming import Asked, become, receive
from speciarl_verl.preflight.compose import compose_config

AT_ONCE = (
    "setproctitle",
    "torch.distributed.fsdp",
    "torch.distributed.checkpoint",
    "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
    "tensordict",
    "vllm.entrypoints.openai.api_server",
    "vllm.model_executor.models.qwen2_5_vl",
    "vllm.v1.worker.cpu_worker",
)
WITH_RAY = (
    "vllm.v1.engine.async_llm",
    "verl.trainer.main_ppo",
    "verl.workers.engine_workers",
    "verl.workers.rollout.vllm_rollout.vllm_async_server",
    "transfer_queue",
    "speciarl_verl.plugin.agent_loop_manager",
    "speciarl_verl.plugin.trainer",
)
"""Ray reads its worker's place in the cluster as it is imported: so these wait for the first who asks."""
_SECONDS_TO_END = 10.0

log = logging.getLogger(__name__)


@dataclass
class _Fork:
    pid: int
    asker: socket.socket
    ended: int
    """A file of the process, which is readable once it has ended."""
    forsaken: bool = False
    """Who asked for it is gone."""


def main(folder: Path, overrides: Sequence[str]) -> None:
    """Serve; returns in the server at its end, and in a fork when that is through."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(folder / "socket"))
    listener.listen(64)
    python = _write_python(folder)
    _set_environment(overrides)
    _import(AT_ONCE)
    if "ray" in sys.modules:
        raise RuntimeError(f"one of {', '.join(AT_ONCE)} imports Ray by now: move it to WITH_RAY")
    server = Server(listener, _import_with_ray)
    asked = server.serve(sys.stdin.fileno())
    if asked:
        become(asked, python)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        log.info("%d processes of the training were forked", server.forked)


def _import(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)
    # What is there stays: no collection in a fork touches, and so copies, its pages.
    gc.collect()
    gc.freeze()


def _import_with_ray(first: Asked) -> None:
    os.environ.update({name: value for name, value in first.environment.items() if name.startswith("RAY_")})
    _import(WITH_RAY)
    if threads := _threads():
        log.warning("%s: threads of the fork server; a lock that one of them holds stays locked in forks", threads)


def _threads() -> list[str]:
    """Names of the threads beside this one; jemalloc's does no harm, as it holds no lock over a fork."""
    tasks = [path for path in Path("/proc/self/task").iterdir() if path.name != str(os.getpid())]
    names = [(path / "comm").read_text(encoding="utf-8").strip() for path in tasks]
    return [name for name in names if not name.startswith("jemalloc")]


def _write_python(folder: Path) -> Path:
    python = folder / "python"
    command = [sys.executable, "-IS", str(Path(__file__).with_name("stand_in.py")), str(folder)]
    python.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    python.chmod(0o700)
    return python


def _set_environment(overrides: Sequence[str]) -> None:
    """What the configuration gives to workers."""
    given = compose_config(overrides).ray_kwargs.ray_init.get("runtime_env", {}).get("env_vars", {})
    os.environ.update({name: str(value) for name, value in given.items()})
    # Ray gives it to an actor that names no CPUs, and torch reads it as it is loaded.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


class Server:
    """Forks for whoever asks, tells each of the end of its process, and ends processes whose askers are gone.

    Attributes:
        forked: how many processes it has forked.
    """

    def __init__(self, listener: socket.socket, prepare: Callable[[Asked], None]) -> None:
        self._listener = listener
        self._prepare: Callable[[Asked], None] | None = prepare
        self._selector = selectors.DefaultSelector()
        self.forked = 0

    def serve(self, lifeline: int) -> Asked | None:
        """Returns in a fork with what it is to be, and in the server, with nothing, when `lifeline` is closed."""
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(lifeline, selectors.EVENT_READ)
        alive = True
        while alive or self._forks():
            events = self._selector.select(None if alive else _SECONDS_TO_END)
            if not events:
                for fork in self._forks():
                    os.kill(fork.pid, signal.SIGKILL)
            for key, _ in events:
                if key.data is not None:
                    self._look_after(key.data, ended=key.fileobj == key.data.ended)
                elif key.fd == lifeline:
                    alive = bool(os.read(lifeline, 64))
                    if not alive:
                        self._selector.unregister(lifeline)
                        self._selector.unregister(self._listener)
                        self._listener.close()
                elif alive and (asked := self._fork()):
                    return asked
        return None

    def _forks(self) -> list[_Fork]:
        return [key.data for key in self._selector.get_map().values() if key.data and key.fd == key.data.ended]

    def _fork(self) -> Asked | None:
        """In the fork what it is to be, in the server nothing."""
        asker, _ = self._listener.accept()
        try:
            asked = receive(asker)
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("somebody asked for a process and did not say which: %s", error)
            asker.close()
            return None
        if self._prepare:
            self._prepare(asked)
            self._prepare = None
        pid = os.fork()
        if not pid:
            self._leave()
            asker.close()
            return asked
        self.forked += 1
        for number in asked.files.values():
            os.close(number)
        fork = _Fork(pid, asker, os.pidfd_open(pid))
        self._selector.register(fork.ended, selectors.EVENT_READ, fork)
        self._selector.register(asker, selectors.EVENT_READ, fork)
        _tell(asker, b"\0")
        return None

    def _leave(self) -> None:
        """A fork keeps nothing of the server's open: who asked must see the server's end, and its own process's."""
        for fork in self._forks():
            fork.asker.close()
            os.close(fork.ended)
        self._listener.close()
        self._selector.close()

    def _look_after(self, fork: _Fork, *, ended: bool) -> None:
        if ended:
            _, status = os.waitpid(fork.pid, 0)
            self._selector.unregister(fork.ended)
            os.close(fork.ended)
            if not fork.forsaken:
                self._selector.unregister(fork.asker)
            _tell(fork.asker, os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
            fork.asker.close()
        elif fork.asker.fileno() >= 0:
            signals = _hear(fork.asker)
            for number in signals or [signal.SIGKILL]:
                os.kill(fork.pid, number)
            if not signals:
                fork.forsaken = True
                self._selector.unregister(fork.asker)


def _tell(asker: socket.socket, message: bytes) -> None:
    try:
        asker.sendall(message)
    except OSError:
        log.debug("who asked for a process does not wait for it any more")


def _hear(asker: socket.socket) -> bytes:
    """Numbers of signals; nothing when who asked is gone."""
    try:
        return asker.recv(64)
    except OSError:
        return b""


if __name__ == "__main__":
    # Its own alone: forks inherit what the root logger has.
    own = logging.StreamHandler()
    own.setFormatter(logging.Formatter("fork server: %(message)s"))
    log.addHandler(own)
    log.setLevel(logging.INFO)
    log.propagate = False
    main(Path(sys.argv[1]), sys.argv[2:])
