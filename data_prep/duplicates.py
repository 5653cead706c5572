"""Pictures that occur more than once, found by the hash of their stored bytes."""

from dataclasses import dataclass, field
from typing import Any

_KEPT = 100
"""Pairs named in the manifest; the rest is only counted."""


@dataclass
class Duplicates:
    """Collects the pictures of all splits as they are written.

    Attributes:
        across_splits: pictures whose bytes stand in an earlier split too: what is tested was trained on.
        within_split: pictures whose bytes stand in the same split before.
        conflicting: of both, those with another label there.
        first_conflict: the first pair of these, as in `pairs`.
        pairs: the first of all, each with both file names, splits and labels.
    """

    across_splits: int = 0
    within_split: int = 0
    conflicting: int = 0
    first_conflict: dict[str, dict[str, str]] = field(default_factory=dict)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    _first: dict[bytes, tuple[str, str, str]] = field(default_factory=dict, repr=False)

    def add(self, content_hash: str, split: str, file_name: str, label: str) -> None:
        """Take notice of one picture."""
        # Half of the hash tells a billion pictures apart and spares half of the memory.
        seen = self._first.setdefault(bytes.fromhex(content_hash[:32]), (split, file_name, label))
        if seen == (split, file_name, label):
            return
        if seen[0] == split:
            self.within_split += 1
        else:
            self.across_splits += 1
        this = {"split": split, "file_name": file_name, "label": label}
        pair = {"first": dict(zip(this, seen, strict=True)), "again": this}
        if seen[2] != label:
            self.conflicting += 1
            self.first_conflict = self.first_conflict or pair
        if len(self.pairs) < _KEPT:
            self.pairs.append(pair)

    def summary(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "across_splits": self.across_splits,
            "within_split": self.within_split,
            "conflicting_labels": self.conflicting,
            "pairs": self.pairs,
        }
