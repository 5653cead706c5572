"""Makes a fork of the server the process that was asked for: its files, environment, place and arguments."""

import builtins
import ctypes
import fcntl
import json
import multiprocessing
import os
import resource
import signal
import socket
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

_DIE_WITH_PARENT = 1
_MOST_FILES = 253
_SECONDS_TO_SAY = 10.0


@dataclass(frozen=True)
class Asked:
    """What a process is to be; `files` are the numbers of its files there, and here."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    niceness: int
    open_files: tuple[int, int]
    files: Mapping[int, int]


def receive(connection: socket.socket) -> Asked:
    """Read what `stand_in.py` sends.

    Raises:
        OSError, ValueError, LookupError, TypeError: it stopped in the middle, or said something else.
    """
    connection.settimeout(_SECONDS_TO_SAY)
    size, files = b"", array("i")
    size, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(_MOST_FILES * files.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            files.frombytes(data[: len(data) - len(data) % files.itemsize])
    with connection.makefile("rb") as stream:
        said = json.loads(stream.read(int.from_bytes(size, "big")))
    connection.settimeout(None)
    there = said.pop("files")
    said["open_files"] = tuple(said["open_files"])
    return Asked(**said, files=dict(zip(there, files, strict=True)))


def become(asked: Asked, python: Path) -> None:
    """Run what was asked for, as `python ARGUMENT...` would; `python` starts whatever it spawns."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_NOFILE, asked.open_files)
    _place(asked.files)
    os.setpriority(os.PRIO_PROCESS, 0, asked.niceness)
    os.chdir(asked.folder)
    _keep_room_for_title(asked)
    os.environ.clear()
    os.environ.update(asked.environment)
    # A temporary folder may be mounted so that nothing in it can be executed.
    if os.access(python, os.X_OK):
        multiprocessing.set_executable(str(python))
    _reseed()
    _run(asked.arguments)


def _place(files: Mapping[int, int]) -> None:
    """Give files the numbers that they are known by; a number may be taken by another of them until all are moved."""
    above = max([*files, *files.values()]) + 1
    moved = {there: fcntl.fcntl(here, fcntl.F_DUPFD, above) for there, here in files.items()}
    for here in files.values():
        os.close(here)
    for there, here in moved.items():
        os.dup2(here, there)
        os.close(here)


def _keep_room_for_title(asked: Asked) -> None:
    """vLLM's way to a process's title finds the room by the environment's place, and none once Ray's has been there.

    Ray's workers are titled by Ray, which looks as it is imported; what they spawn by vLLM, as it sets one.
    """
    titles = sys.modules.get("setproctitle")
    if titles and asked.arguments[0].startswith("-"):
        titles.getproctitle()


def _reseed() -> None:
    """Python's own generator does so after a fork; NumPy's global one does not."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _run(arguments: Sequence[str]) -> None:
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    if arguments[0].startswith("-"):
        at = arguments.index("-c") + 1
        source, name, sys.path[0] = arguments[at], "<string>", ""
        sys.argv = ["-c", *arguments[at + 1 :]]
    else:
        name = main.__file__ = arguments[0]
        source, sys.path[0] = Path(name).read_text(encoding="utf-8"), os.path.dirname(name)
        sys.argv = list(arguments)
    exec(compile(source, name, "exec"), main.__dict__)
