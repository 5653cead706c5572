"""A fork is what was asked for: the same arguments, files, environment and ends as a plain process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT
from tests.fork_server.conftest import Server, script

STAND_IN = ROOT / "speciarl_verl" / "fork_server" / "stand_in.py"
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
