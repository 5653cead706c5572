"""What the splits of a source are called, and what they are here: train, val, test, or left out."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from data_prep.error import DataPrepError
from speciarl_verl.data_contract import SPLITS

NONE = "none"
"""What `--split NAME=none` says: leave it out."""

_KNOWN = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "trainval": "train",
    "val": "val",
    "valid": "val",
    "valset": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
    "eval": "test",
}
_CHOICES = f"{', '.join(SPLITS)} or {NONE}"


@dataclass(frozen=True)
class SplitNames:
    """The names that everybody uses, and those that the user gave with `--split NAME=SPLIT`."""

    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "SplitNames":
        """Read `extra=train` and `unlabeled=none`.

        Raises:
            DataPrepError: not of that form.
        """
        given = {}
        for text in texts:
            name, _, split = text.rpartition("=")
            if not name or split not in (*SPLITS, NONE):
                raise DataPrepError(f"--split {text}: not NAME=SPLIT: give the source's name and {_CHOICES}")
            given[name] = split
        return cls(given)

    def get(self, name: str) -> str | None:
        """The split of that name, or `NONE` if it is to be left out; None when nobody knows it."""
        return self.given.get(name) or _KNOWN.get(name.casefold())

    def check_used(self, names: Iterable[str], source: object) -> None:
        """Refuse a `--split` for a name that the source has not.

        Raises:
            DataPrepError: naming it.
        """
        held = list(names)
        for name in self.given:
            if name not in held:
                some = ", ".join(held) or "no splits"
                raise DataPrepError(f"--split {name}={self.given[name]}: {source} has {some}: give one of these")


def similar_split(name: str) -> str | None:
    """The one split that a name such as `seg_train` or `testImages` speaks of."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    found = {_KNOWN[word.lower()] for word in words if word.lower() in _KNOWN}
    return found.pop() if len(found) == 1 else None


def cure(name: str) -> str:
    """What a user can do about a split that nobody knows."""
    return f"say what it is with --split {name}=SPLIT ({_CHOICES})"
