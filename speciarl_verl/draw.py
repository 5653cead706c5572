"""Chance that is the same on any machine: a hash of a seed and a name, and of nothing else that is drawn."""

import hashlib


def rank(seed: int, *names: str) -> bytes:
    """Where the thing of these names stands in the draw of `seed`: 32 bytes, evenly spread."""
    return hashlib.sha256("\0".join((str(seed), *names)).encode()).digest()
