"""What stands for a process: signals and ends go through it, both ways."""

import os
import signal
from pathlib import Path

import pytest

from tests.fork_server.conftest import Server, sleeper, wait_until
from tests.living import alive


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
