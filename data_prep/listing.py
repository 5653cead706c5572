"""What a reader makes of a source: its pictures, their labels and the publisher's splits. No picture is read."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from data_prep.error import DataPrepError
from data_prep.file_names import is_utf8
from data_prep.left_out import LeftOut
from speciarl_verl.method.answer import extract_answer


@dataclass(frozen=True)
class Stamp:
    """What tells, without reading a picture, that it is still the same."""

    size: int  # bytes
    modified: int  # nanoseconds since the epoch, 0 where the store keeps no time


class PictureStore(Protocol):
    """Where the pictures lie. It is sent to worker processes, so it must pickle."""

    def stamp(self, file_name: str) -> Stamp:
        """Size and age of one picture.

        Raises:
            DataPrepError: it is not there.
        """
        ...

    def read(self, file_name: str) -> bytes:
        """The bytes of one picture, as published."""
        ...

    def where(self, file_name: str) -> str:
        """How a message names the picture."""
        ...


@dataclass(frozen=True)
class FileStore:
    """Pictures as files.

    Attributes:
        root: the folder below which they lie.
        folders: where a first part of a file name stands for a folder elsewhere.
        cure: what to do about a picture that is listed and not there.
    """

    root: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    cure: str = "unpack the publisher's archive again"

    def stamp(self, file_name: str) -> Stamp:
        path = self.where(file_name)
        try:
            status = os.stat(path)
        except OSError as error:
            link = f", a link to {os.readlink(path)}" if os.path.islink(path) else ""
            raise DataPrepError(f"{path}: is listed but missing{link}: {self.cure}") from error
        return Stamp(size=status.st_size, modified=status.st_mtime_ns)

    def read(self, file_name: str) -> bytes:
        with open(self.where(file_name), "rb", buffering=0) as file:
            return file.read()

    def where(self, file_name: str) -> str:
        # Plain strings: pathlib would take as long as reading the picture.
        first, _, rest = file_name.partition("/")
        folder, name = (self.folders[first], rest) if first in self.folders else (self.root, file_name)
        path = f"{folder}/{name}"
        if not name.isascii() and not os.path.exists(path):
            # macOS decomposes diacritics in names.
            other = f"{folder}/{unicodedata.normalize('NFD', name)}"
            return other if os.path.exists(other) else path
        return path


@dataclass(frozen=True, slots=True)
class Example:
    """One picture.

    Attributes:
        file_name: its name in the store, with forward slashes, in Unicode's composed form.
        label_id: position of its label in `Listing.classes`.
        split: train, val or test as published; None where the publisher has no split.
    """

    file_name: str
    label_id: int
    split: str | None


@dataclass(frozen=True)
class Listing:
    """A data set: its classes in the publisher's order, its pictures, and where these are read.

    Attributes:
        left_out: what the source holds besides.
        notes: what was done to its names, one line each.
    """

    name: str
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    store: PictureStore
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def check(self, source: Path | str) -> "Listing":
        """Refuse what no publisher ships: nothing at all, a picture listed twice, a class without a name or a picture.

        A label must also be one that an answer can equal: see `speciarl_verl.method.answer`.

        Raises:
            DataPrepError: naming the source and the first offender.
        """
        if not self.examples:
            raise DataPrepError(f"{source}: has no pictures: give the folder or archive as the publisher ships it")
        twice = [name for name, count in Counter(e.file_name for e in self.examples).items() if count > 1]
        if twice:
            raise DataPrepError(f"{source}: picture {twice[0]} is listed {_times(self, twice[0])} times: list it once")
        for text in (self.name, *self.classes, *(example.file_name for example in self.examples)):
            if not is_utf8(text):
                raise DataPrepError(f"{source}: {text!a} is not UTF-8: rename it")
        used = {example.label_id for example in self.examples}
        same = next((label for label, count in Counter(self.classes).items() if count > 1), None)
        if same is not None:
            raise DataPrepError(f"{source}: two classes are named {same!r}: name them apart, or make them one")
        for label_id, label in enumerate(self.classes):
            if not label.strip():
                raise DataPrepError(f"{source}: class number {label_id + 1} has no name: restore the publisher's file")
            if _unsayable(label):
                raise DataPrepError(f"{source}: class {label!r} is no answer that could be judged: name it in words")
            if label_id not in used:
                raise DataPrepError(f"{source}: class {label!r} has no pictures: restore them, or drop the class")
        return self


def _times(listing: Listing, file_name: str) -> int:
    return sum(example.file_name == file_name for example in listing.examples)


def _unsayable(label: str) -> bool:
    """True for a label that extraction would not take even from a model that says it exactly."""
    return extract_answer(f"<answer>{label}</answer>").answer != " ".join(label.split())


def unseen_classes(classes: Sequence[str], examples: Iterable[Example]) -> tuple[str, ...]:
    """A note on the classes that only val or test has, where there is a train."""
    held: dict[str | None, set[int]] = {}
    for example in examples:
        held.setdefault(example.split, set()).add(example.label_id)
    alone = set().union(*held.values()) - held.get("train", set()) if "train" in held else set[int]()
    some = ", ".join(classes[label_id] for label_id in sorted(alone)[:5])
    return (
        (f"{len(alone)} classes are in val or test only: {some}{', ...' if len(alone) > 5 else ''}",) if alone else ()
    )
