"""Real judge servers on the CPU as child processes: started, killed, started again, ended without a rest."""

import contextlib
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[2]
_READY_S = 400
_END_S = 30


@dataclass(frozen=True)
class Engine:
    """One kind of server.

    Attributes:
        command: of a model's folder and a port, what starts it.
        environment: what that needs beside ours.
        ready: the path that answers 200 once the server generates.
        hits, requests: the names of its counters of prompt tokens out of the prefix cache, and of answered requests.
    """

    name: str
    command: Callable[[Path, int], list[str]]
    environment: dict[str, str]
    ready: str
    hits: str
    requests: str


def serve_judge(*arguments: object) -> list[str]:
    """The recipe's command line."""
    return ["bash", "recipes/serve_judge.sh", *map(str, arguments)]


def sglang_command(model: Path, port: int, replicas: int = 1, also: str = "") -> list[str]:
    """SGLang through the recipe."""
    flags = ["--device", "cpu", "--model", model, "--port", port, "--replicas", replicas, "--log-dir", model / "logs"]
    return serve_judge(*flags, *(["--also", also] if also else []), "--", "--dtype", "float32")


def _vllm(model: Path, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.servers.vllm_server", "--model", str(model)),
        *("--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager"),
        *("--max-model-len", "2048", "--max-num-seqs", "64", "--block-size", "32"),
        # Its usage names the cached tokens with this only.
        *("--enable-prompt-tokens-details", "--disable-uvicorn-access-log"),
    ]


SGLANG = Engine(
    "sglang", sglang_command, {}, "/health_generate", "sglang:cached_tokens_total", "sglang:num_requests_total"
)
VLLM = Engine(
    "vllm",
    _vllm,
    {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "TORCHDYNAMO_DISABLE": "1",
        # Its attention of two threads each would spin against the other processes' for the cores.
        "OMP_NUM_THREADS": "1",
    },
    "/health",
    "vllm:prefix_cache_hits_total",
    "vllm:request_success_total",
)


@dataclass
class Serving:
    """A server of one engine on one port, which it keeps over restarts."""

    engine: Engine
    model: Path
    log: Path
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _family: set[psutil.Process] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it generates."""
        self.port = self.port or free_port()
        environment = {**os.environ, **self.engine.environment, "PYTHON": sys.executable}
        # Without cached byte code every process compiles its imports anew.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.engine.command(self.model, self.port),
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_S
        while not self._generates():
            assert self._process.poll() is None, f"{self.engine.name} died at start:\n{self.tail()}"
            assert time.monotonic() < deadline, f"{self.engine.name} is not ready:\n{self.tail()}"
            time.sleep(0.5)
            self._remember()

    def kill(self) -> int:
        """Kill the server and its children where they stand; the exit status of what was started, which may outlive
        the server to report its death."""
        assert self._process is not None
        self._remember()
        launcher = psutil.Process(self._process.pid)
        for process in self._family - ({launcher} if self.engine is SGLANG else set()):
            _kill(process)
        status = self._process.wait(timeout=_END_S)
        self._assert_all_gone()
        return status

    def stop(self) -> int:
        """End it as a user would, and whatever is left by force; a rest is an error."""
        assert self._process is not None
        self._remember()
        self._process.terminate()
        try:
            status = self._process.wait(timeout=_END_S)
            self._assert_all_gone()
            return status
        finally:
            self.purge()

    def purge(self) -> None:
        """Kill everything that was ever started."""
        self._remember()
        for process in self._family:
            _kill(process)
        if self._process is not None:
            self._process.wait(timeout=_END_S)
        self._assert_all_gone()

    def metric(self, name: str) -> float:
        """The sum of a counter over its labels."""
        page = httpx.get(f"{self.url}/metrics", timeout=30, trust_env=False).text
        return sum(map(float, re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)$", page, re.MULTILINE)))

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-3000:]

    def _generates(self) -> bool:
        try:
            return httpx.get(f"{self.url}{self.engine.ready}", timeout=30, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _remember(self) -> None:
        if self._process is not None and self._process.poll() is None:
            launcher = psutil.Process(self._process.pid)
            self._family |= {launcher, *launcher.children(recursive=True)}

    def _assert_all_gone(self) -> None:
        _, alive = psutil.wait_procs(list(self._family), timeout=_END_S)
        assert not alive, f"{self.engine.name} left processes behind: {alive}"


def free_port() -> int:
    """A port that nothing listens on, with three more behind it.

    Below the range that the kernel draws from for outgoing connections: while a server is down, one of those could take
    its place.
    """
    return next(port for port in _shuffled_ports() if all(_is_free(port + offset) for offset in range(4)))


def _shuffled_ports() -> list[int]:
    ports = list(range(20000, 32000, 4))
    return random.SystemRandom().sample(ports, len(ports))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
