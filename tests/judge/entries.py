"""Cache entries for tests, in this process and in others."""

import hashlib

from speciarl_verl.judge.cache.answers import Answer, Entry


def key_of(name: object) -> str:
    """A key such as a question has."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def entry(name: object, text: str = "specific", confidence: float | None = None, **fields: str) -> Entry:
    """An answer under `key_of(name)`."""
    about = {"model": "m", "prediction": "p", "ground_truth": "g", **fields}
    return Entry(key_of(name), Answer(text, confidence), **about)
