"""Forks of the server against plain processes: the same arguments, files, environment, signals and ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT

STAND_IN = ROOT / "speciarl_verl" / "fork_server" / "stand_in.py"
SERVER = """
import sys
from pathlib import Path
from speciarl_verl.fork_server import forks
forks._set_environment = lambda overrides: None
forks.AT_ONCE, forks.WITH_RAY = ("colorsys",), ("fractions",)
forks._SECONDS_TO_END = 0.5
forks.main(Path(sys.argv[1]), [])
"""
"""The server without the half minute of its real imports."""

SHOWS = """
import atexit, json, os, sys
atexit.register(print, "at its end")
print(json.dumps([__name__, sys.argv, sys.path[0], os.getcwd(), os.environ.get("MARK"), sys.stdin.read()]))
print("to stderr", file=sys.stderr)
print("colorsys" in sys.modules, "fractions" in sys.modules, file=open(3, "w"))
sys.exit(7)
"""

SPAWNS = """
import multiprocessing, os, sys, time

def answer(queue):
    queue.put(("colorsys" in sys.modules, os.getppid(), __name__))
    sys.exit(5)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=answer, args=(queue,))
    child.start()
    warm, parent, name = queue.get(timeout=30)
    child.join(30)
    ends = []
    for how in ("kill", "terminate"):
        sleeper = context.Process(target=time.sleep, args=(60,))
        sleeper.start()
        getattr(sleeper, how)()
        sleeper.join(30)
        ends.append(sleeper.exitcode)
    print(warm, parent == os.getppid(), name, child.exitcode, ends)
"""

SLEEPS = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "python"
        folder.mkdir()
        command = [sys.executable, "-u", "-c", SERVER, str(folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.python.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("f") / "s")
    yield server
    server.close()
    server.process.wait(30)


def wait_until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "script.py"
    path.write_text(text)
    return str(path)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def sleeper(server: Server, tmp_path: Path) -> "tuple[subprocess.Popen[str], int]":
    """What stands for a process that sleeps, and that process."""
    told = tmp_path / "pid"
    command = [server.python, script(tmp_path, SLEEPS), str(told)]
    stand_in = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: told.exists() and told.read_text())
    return stand_in, int(told.read_text())


@pytest.mark.parametrize("warm", [True, False], ids=["fork", "plain"])
def test_a_process_is_what_was_asked_for(server: Server, tmp_path: Path, warm: bool) -> None:
    if not warm:
        server.close()
        server.process.wait(30)
        server.python.parent.mkdir()
        server.python.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {STAND_IN} {server.folder} "$@"\n')
        server.python.chmod(0o700)
    elsewhere, third = tmp_path / "elsewhere", tmp_path / "third"
    elsewhere.mkdir()
    path = script(tmp_path, SHOWS)
    # As `multiprocessing` does: a file of the process's own, by its number.
    with third.open("w") as output:
        done = subprocess.run(
            ["bash", "-c", f'exec {server.python} {path} a "b c" 3>&{output.fileno()}'],
            pass_fds=[output.fileno()],
            cwd=elsewhere,
            env=os.environ | {"MARK": "here"},
            input="typed",
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 7
    assert done.stderr == "to stderr\n"
    assert done.stdout.splitlines() == [
        f'["__main__", ["{path}", "a", "b c"], "{tmp_path}", "{elsewhere}", "here", "typed"]',
        "at its end",
    ]
    assert third.read_text().split() == [str(warm)] * 2


def test_what_a_fork_spawns_is_forked_too_and_ends_as_it_is_told(server: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [server.python, script(tmp_path, SPAWNS)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split(maxsplit=4) == ["True", "True", "__mp_main__", "5", "[-9, -15]\n"], done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_the_process(server: Server, tmp_path: Path, number: signal.Signals) -> None:
    stand_in, process = sleeper(server, tmp_path)
    stand_in.send_signal(number)
    assert stand_in.wait(30) == -number
    wait_until(lambda: not alive(process))


def test_the_end_of_the_process_is_that_of_its_stand_in(server: Server, tmp_path: Path) -> None:
    stand_in, process = sleeper(server, tmp_path)
    os.kill(process, signal.SIGKILL)
    assert stand_in.wait(30) == -signal.SIGKILL


def test_a_server_that_is_killed_takes_its_forks_along(server: Server, tmp_path: Path) -> None:
    stand_in, process = sleeper(server, tmp_path)
    server.process.kill()
    assert stand_in.wait(30) == 1
    assert stand_in.stderr
    assert f"the fork server in {server.folder} has ended" in stand_in.stderr.read()
    wait_until(lambda: not alive(process))


def test_a_server_whose_training_is_over_ends_what_is_left(server: Server, tmp_path: Path) -> None:
    stand_in, process = sleeper(server, tmp_path)
    server.close()
    assert server.process.wait(60) == 0
    assert stand_in.wait(30) == -signal.SIGKILL
    assert not alive(process)
    assert not server.folder.exists()
