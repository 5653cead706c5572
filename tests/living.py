"""Whether a process lives."""

from pathlib import Path


def alive(pid: int) -> bool:
    """Not where it is gone, nor where it has ended and nobody has waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
