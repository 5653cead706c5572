"""Stands for `python` in a command: has the server fork the process that was asked for, and lives as long as that.

    python -IS stand_in.py FOLDER ARGUMENT...

Signals that can be passed on reach the process, and its exit status becomes this one's. Where nobody listens in FOLDER,
or the server has no use for such arguments, it becomes a plain `python ARGUMENT...`. It is run by its path and imports
the standard library alone, so that it is there at once.
"""

import array
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence

SPAWNED = "--multiprocessing-fork"
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_SECONDS_TO_FORK = 300.0


def main(folder: str, arguments: Sequence[str]) -> int:
    """The exit status of the process."""
    server = _ask(folder, arguments) if _can_be_forked(arguments) else None
    if server is None:
        os.execv(sys.executable, [sys.executable, *arguments])
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _frame: server.send(bytes([number])))
    server.settimeout(None)
    status = server.recv(4)
    if not status:
        sys.stderr.write(f"the fork server in {folder} has ended, and with it `python {' '.join(arguments)[:80]}`\n")
        return 1
    code = int.from_bytes(status, "big", signed=True)
    if code < 0:
        # Of the few that are caught here; the others have their default.
        if -code in _PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _can_be_forked(arguments: Sequence[str]) -> bool:
    """A script with its arguments, or what `multiprocessing` spawns; but not its resource tracker."""
    return bool(arguments) and (not arguments[0].startswith("-") or arguments[-1] == SPAWNED)


def _ask(folder: str, arguments: Sequence[str]) -> socket.socket | None:
    """The connection, once the process is there."""
    files = array.array("i", (number for number in map(int, os.listdir("/proc/self/fd")) if _is_open(number)))
    asked = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "files": files.tolist(),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE),
    }
    body = json.dumps(asked).encode()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.settimeout(_SECONDS_TO_FORK)
    try:
        server.connect(os.path.join(folder, "socket"))
        server.sendmsg([len(body).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        server.sendall(body)
        forked = server.recv(1)
    except OSError:
        forked = b""
    if not forked:
        server.close()
        return None
    return server


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
