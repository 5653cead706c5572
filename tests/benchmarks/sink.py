"""Where serialised rollouts and pictures go to: a process of its own that reads a socket and keeps nothing."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import zmq

_READER = """
import zmq
socket = zmq.Context().socket(zmq.PULL)
print(socket.bind_to_random_port("tcp://127.0.0.1"), flush=True)
while True:
    socket.recv_multipart(copy=False)
"""


@contextmanager
def sink() -> Iterator["zmq.Socket[Any]"]:
    """A socket to send to, as TransferQueue's clients do."""
    reader = subprocess.Popen([sys.executable, "-c", _READER], stdout=subprocess.PIPE, text=True)
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    try:
        assert reader.stdout is not None
        socket.connect(f"tcp://127.0.0.1:{int(reader.stdout.readline())}")
        yield socket
    finally:
        socket.close(linger=0)
        context.term()
        reader.kill()
        reader.wait()


def send(socket: "zmq.Socket[Any]", frames: Sequence[Any]) -> None:
    """Send and wait until the frames are handed over, so that the time that it takes is counted here."""
    tracker = socket.send_multipart(list(frames), copy=False, track=True)
    if tracker is not None:
        tracker.wait()
