"""recipes/serve_judge.sh: what it refuses, what it starts, how it ends."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import ServerJudgeConfig
from speciarl_verl.judge.protocol import Pair
from tests.servers.serving import ROOT, SGLANG, Engine, Serving, free_port, serve_judge, sglang_command


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the recipe to its end."""
    return subprocess.run(
        serve_judge(*arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["--port", "0"], "--port 0", id="port-zero"),
        pytest.param(["--port", "65536"], "--port 65536", id="port-too-high"),
        pytest.param(["--also", "other:30000"], "--also other:30000", id="no-url"),
        pytest.param(["--port", "65533", "--replicas", "2"], "--port 65533", id="no-ports-left-for-replicas"),
        pytest.param(["--tp", "two"], "--tp two", id="not-a-number"),
        pytest.param(["--device", "tpu"], "--device tpu", id="unknown-device"),
        pytest.param(["--device", "cpu", "--tp", "2"], "--tp", id="two-gpus-of-a-cpu"),
        pytest.param(["--model", "./nowhere"], "./nowhere", id="no-model-there"),
        pytest.param(["--model"], "--model", id="no-value"),
        pytest.param(["--model", "--tp"], "--model", id="flag-for-a-value"),
        pytest.param(["--speed", "11"], "--speed", id="unknown-flag"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments: list[str], named: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("serve_judge.sh: ")
    assert named in line


def test_too_few_gpus_are_refused_before_anything_is_installed() -> None:
    ended = run("--tp", 2, "--replicas", 2, CUDA_VISIBLE_DEVICES="0,1,2")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "takes 4 GPUs, found 3" in line


def test_dry_run_gives_each_replica_its_own_gpus_and_port() -> None:
    ended = run("--tp", 2, "--replicas", 2, "--port", 4000, "--dry-run", "--", "--api-key", "a b")
    assert ended.returncode == 0
    first, second, router = ended.stdout.splitlines()
    assert "--base-gpu-id 0" in first
    assert "--port 4001" in first
    assert "--base-gpu-id 2" in second
    assert "--port 4002" in second
    assert all(line.endswith("--api-key a\\ b ") for line in (first, second)), "passed through, quoted"
    assert "--port 4000" in router
    assert "--worker-urls http://127.0.0.1:4001 http://127.0.0.1:4002" in router


def test_server_of_another_machine_stands_behind_the_router() -> None:
    server, router = run("--port", 4000, "--also", "http://other:30000/", "--dry-run").stdout.splitlines()
    assert "--port 4001" in server
    assert "--port 4000" in router
    assert "--worker-urls http://127.0.0.1:4001 http://other:30000" in router


def test_dry_run_serves_qwen3_in_fp8_on_two_gpus() -> None:
    (line,) = run("--dry-run").stdout.splitlines()
    assert "--model-path Qwen/Qwen3-30B-A3B-Instruct-2507-FP8" in line
    assert "--tp-size 2" in line
    assert "sgl_kernel" not in line
    assert "PYTHONPATH" not in line, "the stand-in for the CUDA kernels is for a CPU only"


_PARSE = """
import argparse, shlex, sys
from sglang.srt.server_args import ServerArgs
from sglang_router.router_args import RouterArgs
for line in sys.stdin:
    words = shlex.split(line)
    module, *flags = words[words.index("-m") + 1 :]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    (ServerArgs if module == "sglang.launch_server" else RouterArgs).add_cli_args(parser)
    parsed = parser.parse_args(flags)
    print(module, parsed.port)
"""


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_flags_for_gpus_are_those_of_the_pinned_sglang() -> None:
    subprocess.run(["bash", "recipes/setup_judge.sh", "--device", "cpu"], cwd=ROOT, check=True, timeout=400)
    commands = run("--tp", 2, "--replicas", 2, "--port", 4000, "--dry-run").stdout
    parsed = subprocess.run(
        [ROOT / ".venv-judge-cpu" / "bin" / "python", "-c", _PARSE],
        input=commands,
        env={**os.environ, "PYTHONPATH": str(ROOT / "recipes" / "judge_cpu"), "SGLANG_USE_CPU_ENGINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert parsed.returncode == 0, parsed.stderr[-2000:]
    server = "sglang.launch_server"
    said = [line for line in parsed.stdout.splitlines() if line.startswith("sglang")]
    assert said == [f"{server} 4001", f"{server} 4002", "sglang_router.launch_router 4000"]


def _hear_interrupts() -> None:
    """A suite that was started in the background ignores them, and bash cannot undo that for itself."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_interrupt_while_starting_leaves_nothing(model: Path, tmp_path: Path) -> None:
    command = serve_judge("--device", "cpu", "--model", model, "--port", free_port(), "--log-dir", tmp_path)
    recipe = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_hear_interrupts
    )
    try:
        launcher = psutil.Process(recipe.pid)
        deadline = time.monotonic() + 400
        while not list(tmp_path.glob("*.log")):
            assert recipe.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        family = launcher.children(recursive=True)
        recipe.send_signal(signal.SIGINT)
        assert recipe.wait(timeout=60) == 128 + signal.SIGINT
        assert not psutil.wait_procs(family, timeout=30)[1]
    finally:
        recipe.terminate()
        recipe.wait()


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_port_in_use_is_refused(model: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        ended = run("--device", "cpu", "--model", model, "--port", port)
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr.splitlines()[-1]


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_server_that_dies_at_start_ends_it_with_the_reason(model: Path, tmp_path: Path) -> None:
    log_dir = ["--log-dir", tmp_path]
    ended = run("--device", "cpu", "--model", model, "--port", free_port(), *log_dir, "--", "--no-such-flag")
    assert ended.returncode == 1
    assert "a server died" in ended.stderr
    assert "unrecognized arguments: --no-such-flag" in ended.stderr
    assert "--judge-url" not in ended.stdout


@pytest.mark.drill
@pytest.mark.servers
@pytest.mark.timeout(900)
async def test_replicas_share_the_pairs_and_survive_one_death(model: Path, tmp_path: Path) -> None:
    engine = replace(SGLANG, name="replicas", command=partial(sglang_command, replicas=2))
    with _running(engine, model, tmp_path) as judge:
        first, second = judge.port + 1, judge.port + 2
        await _judged_by_both(judge, (first, second), lambda: _server_on(second).kill())
        _await_in_log(judge, "a server died, the others go on")
        assert judge.stop() == 128 + signal.SIGTERM


@pytest.mark.drill
@pytest.mark.servers
@pytest.mark.timeout(900)
async def test_server_of_another_machine_shares_the_pairs_and_may_die(model: Path, tmp_path: Path) -> None:
    with _running(replace(SGLANG, name="other"), model, tmp_path) as other:
        engine = replace(SGLANG, name="router", command=partial(sglang_command, also=other.url))
        with _running(engine, model, tmp_path) as judge:
            await _judged_by_both(judge, (judge.port + 1, other.port), other.kill)
            assert judge.stop() == 128 + signal.SIGTERM


@contextmanager
def _running(engine: Engine, model: Path, folder: Path) -> Iterator[Serving]:
    serving = Serving(engine, model, folder / f"{engine.name}.log")
    try:
        serving.start()
        yield serving
    finally:
        serving.purge()


async def _judged_by_both(serving: Serving, ports: tuple[int, int], kill_one: Callable[[], object]) -> None:
    """The servers behind the router, on these ports, get about as many pairs each; one of them does for both."""
    _await_in_log(serving, f"--judge server --judge-url {serving.url}\n")
    judge = build_judge(ServerJudgeConfig(url=serving.url, cache="memory"))
    try:
        await judge.check()
        before = [_answered(port) for port in ports]
        for number in range(128):
            await judge.judge(Pair(f"kind {number}", "herring gull"))
        shares = [_answered(port) - count for port, count in zip(ports, before, strict=True)]
        assert min(shares) > 32
        assert sum(shares) == 128

        kill_one()
        for number in range(32):
            await judge.judge(Pair(f"another kind {number}", "herring gull"))
    finally:
        await judge.close()


def _await_in_log(serving: Serving, text: str) -> None:
    deadline = time.monotonic() + 60
    while text not in serving.log.read_text():
        assert time.monotonic() < deadline, f"never said {text!r}:\n{serving.tail()}"
        time.sleep(0.2)


def _answered(port: int) -> int:
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30, trust_env=False).text
    (count,) = (line for line in page.splitlines() if line.startswith(SGLANG.requests))
    return int(float(count.rsplit(" ", 1)[1]))


def _server_on(port: int) -> psutil.Process:
    lines = {process: " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}
    (server,) = (p for p, line in lines.items() if "-m sglang.launch_server" in line and f"--port {port} " in line)
    return server
