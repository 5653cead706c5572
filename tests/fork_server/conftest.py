"""A fork server without the half minute of its real imports, and a process that it forks."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT

SERVER = """
import sys
from pathlib import Path
from speciarl_verl.fork_server import forks
forks._set_environment = lambda overrides: None
forks.AT_ONCE, forks.WITH_RAY = ("colorsys",), ("fractions",)
forks._SECONDS_TO_END = 0.5
forks.main(Path(sys.argv[1]), [])
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


def sleeper(server: Server, tmp_path: Path) -> "tuple[subprocess.Popen[str], int]":
    """What stands for a process that sleeps, and that process."""
    told = tmp_path / "pid"
    command = [server.python, script(tmp_path, SLEEPS), str(told)]
    stand_in = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: told.exists() and told.read_text())
    return stand_in, int(told.read_text())
