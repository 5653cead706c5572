"""What is odd about labels: each is what a judge will compare with, word by word."""

import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from data_prep.class_names import names_nothing
from speciarl_verl.judge.malformed import Malformed, find_fault
from speciarl_verl.judge.wording import fold, is_abstention

_AS_IN_FOLDERS = re.compile(r".*[_\\%]|.*&#?\w+;|\d+[.)_-]\D|n\d{8}\b|.*/.*/")
_LONGEST = 8
"""Words of a label that is looked for in others."""


@dataclass(frozen=True)
class LabelFindings:
    """Labels that somebody should look at; each entry is ready to be printed.

    Attributes:
        ids: look like ids, folders or file names.
        alone: split -> the labels that no other split has.
        near: groups that differ in case, accents, signs, white space or a plural only.
        within: `(part, whole)`: a judge may take the one for the other.
        refusals: read as a refusal to answer.
        several: read as several options: right only where an answer equals them.
    """

    ids: tuple[str, ...]
    alone: Mapping[str, tuple[str, ...]]
    near: tuple[tuple[str, ...], ...]
    within: tuple[tuple[str, str], ...]
    refusals: tuple[str, ...]
    several: tuple[str, ...]


def look_at_labels(by_split: Mapping[str, Collection[str]]) -> LabelFindings:
    """Find what is odd about the labels of a data set.

    Args:
        by_split: split -> its labels.
    """
    labels = sorted({label for held in by_split.values() for label in held})
    return LabelFindings(
        ids=tuple(label for label in labels if names_nothing(label) is not None or _AS_IN_FOLDERS.match(label)),
        alone=_alone(by_split),
        near=_near(labels),
        within=_within(labels),
        refusals=tuple(label for label in labels if is_abstention(label)),
        several=tuple(label for label in labels if find_fault(label, sys.maxsize, sys.maxsize) is Malformed.HEDGED),
    )


def _alone(by_split: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    found = {}
    for split, held in by_split.items():
        others = {label for other, labels in by_split.items() if other != split for label in labels}
        only = tuple(sorted(set(held) - others)) if len(by_split) > 1 else ()
        if only:
            found[split] = only
    return found


def _near(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(_core(label), []).append(label)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _core(label: str) -> str:
    """The label without case, accents, signs, spaces and a plural's ending."""
    decomposed = unicodedata.normalize("NFKD", fold(label))
    words = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).split()
    return "".join(map(_singular, words)) or label


def _singular(word: str) -> str:
    return re.sub(r"(?<=[^s])e?s$", "", re.sub(r"ies$", "y", word)) if len(word) > 3 else word


def _within(labels: Iterable[str]) -> tuple[tuple[str, str], ...]:
    words = {label: tuple(fold(label).split()) for label in labels}
    by_words = {held: label for label, held in words.items() if held}
    found = []
    for whole, held in words.items():
        for start in range(len(held)):
            for end in range(start + 1, min(len(held), start + _LONGEST) + 1):
                part = by_words.get(held[start:end])
                if part is not None and end - start < len(held):
                    found.append((part, whole))
    return tuple(sorted(set(found)))
