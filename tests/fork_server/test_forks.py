"""The server: forks do not outlive it, it does not outlive its training, and nonsense does not end it."""

import signal
import socket
from pathlib import Path

import pytest

from tests.fork_server.conftest import Server, sleeper, wait_until
from tests.living import alive


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


@pytest.mark.parametrize("said", [b"", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x05what?", b"\xff\xff\xff\xff{"])
def test_nonsense_is_turned_away_and_the_next_is_served(server: Server, tmp_path: Path, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(str(server.folder / "socket"))
        asker.sendall(said)
        asker.shutdown(socket.SHUT_WR)
        assert asker.recv(1) == b""
    stand_in, process = sleeper(server, tmp_path)
    assert Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split() == [str(process)]
    stand_in.kill()
