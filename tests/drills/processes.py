"""The processes below this one, orphans among them, and what they leave in shared memory."""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_SUBREAPER = 36


@contextmanager
def adopting() -> Iterator[None]:
    """Who loses its parent below this process becomes its child, and so stays in sight."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)


def below(pid: int | None = None) -> list[psutil.Process]:
    """All that live below a process (this one), the deepest last."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
    return found


def title(process: psutil.Process) -> str:
    """The command line, or what the process put in its place."""
    try:
        return " ".join(process.cmdline()) or process.name()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def named(part: str) -> list[psutil.Process]:
    """Those below this one whose title holds `part`."""
    return [process for process in below() if part in title(process)]


def left_after(seconds: float, known: set[int]) -> list[str]:
    """The titles of what still lives below this process, beside the known, when it had that long to go."""
    deadline = time.monotonic() + seconds
    while True:
        left = [process for process in below() if process.pid not in known]
        if not left or time.monotonic() > deadline:
            return [title(process) for process in left]
        time.sleep(0.2)


def end(known: set[int]) -> None:
    """Kill all below this process beside the known."""
    for process in below():
        if process.pid not in known:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def segments() -> set[str]:
    """What stands in /dev/shm."""
    return set(os.listdir("/dev/shm"))


def orphaned(names: set[str]) -> set[str]:
    """Those of the segments that no process has open or mapped: nobody will remove them."""
    used: set[str] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            used |= {Path(line.split()[-1]).name for line in (folder / "maps").open() if "/dev/shm/" in line}
        with suppress(OSError):
            used |= {Path(os.readlink(link)).name for link in (folder / "fd").iterdir()}
    return {name for name in names if name not in used and Path("/dev/shm", name).exists()}
