"""Which pictures go where: sizes, class filters, nested subsets, validation held out of train.

Every picture has a rank that depends on the seed and its own name only, so a draw is the same on any machine, and of
one seed the 128 lie within the 1,024, these within the 3,000. A pool in the order of ranks is cut like this:

    [ train .......... | not used ... | val ... | test (only where the publisher has none) ]
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing


@dataclass(frozen=True)
class Size:
    """A number of pictures, or a percentage of a pool."""

    text: str
    number: float
    percent: bool

    @classmethod
    def parse(cls, text: str, flag: str) -> "Size":
        """Read `3000` or `12.5%`.

        Raises:
            DataPrepError: neither of them, or out of range.
        """
        match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)\s*%", text.strip())
        if match is None:
            raise DataPrepError(f"{flag} {text}: not a size: give a number of pictures (3000) or a percentage (10%)")
        if match[1] is not None:
            return cls(text=text, number=int(match[1]), percent=False)
        if float(match[2]) > 100:
            raise DataPrepError(f"{flag} {text}: more than everything: give at most 100%")
        return cls(text=text, number=float(match[2]), percent=True)

    def of(self, total: int) -> int:
        """The number of pictures, of `total`; a half is rounded up."""
        return int(self.number * total / 100 + 0.5) if self.percent else int(self.number)


@dataclass(frozen=True)
class Sampling:
    """What the user wants of a data set.

    Attributes:
        train_size: None takes all that is not held out.
        val_size: None takes the publisher's validation split, or `DEFAULT_VAL` where there is none.
        test_size: None takes the publisher's test split, or `DEFAULT_TEST` where there is none.
        merge_val: the publisher's validation split joins train before validation is held out.
        include, exclude: patterns of class names, up to case; every class when `include` is empty.
    """

    train_size: Size | None = None
    val_size: Size | None = None
    test_size: Size | None = None
    stratified: bool = False
    seed: int = 42
    merge_val: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


DEFAULT_VAL = Size(text="5%", number=5, percent=True)
DEFAULT_TEST = Size(text="20%", number=20, percent=True)


def select(listing: Listing, sampling: Sampling) -> dict[str, list[Example]]:
    """Draw the splits; an empty one is left out. Train comes in the order of the draw, the others in the publisher's.

    Raises:
        DataPrepError: a pattern that no class matches, or more pictures asked for than there are.
    """
    kept = _classes(listing.classes, sampling)
    examples = [example for example in listing.examples if example.label_id in kept]
    published: dict[str | None, list[Example]] = defaultdict(list)
    for example in examples:
        merged = sampling.merge_val and example.split == "val"
        published["train" if merged else example.split].append(example)

    unsplit = bool(published[None])
    pool = draw(published[None] + published["train"], sampling.seed, sampling.stratified)
    total, test_count, val_count = len(pool), 0, 0
    if unsplit and not published["test"]:
        test_count = (sampling.test_size or DEFAULT_TEST).of(total)
    held_val = not published["val"]
    if held_val:
        val_count = (sampling.val_size or DEFAULT_VAL).of(total)
        if sampling.val_size is None and sampling.train_size is not None:
            val_count = min(val_count, max(0, total - test_count - sampling.train_size.of(total)))
    train_count = total - test_count - val_count if sampling.train_size is None else sampling.train_size.of(total)
    if train_count + val_count + test_count > total:
        raise DataPrepError(_too_many(sampling, train_count, val_count, test_count, total))
    if sampling.train_size is None and train_count < 0:
        raise DataPrepError(_too_many(sampling, 0, val_count, test_count, total))

    split = {
        "train": pool[:train_count],
        "val": pool[total - test_count - val_count : total - test_count]
        if held_val
        else _cut(published["val"], sampling.val_size, "--val-size", sampling),
        "test": pool[total - test_count :]
        if test_count
        else _cut(published["test"], sampling.test_size, "--test-size", sampling),
    }
    position = {example.file_name: number for number, example in enumerate(examples)}
    for name in ("val", "test"):
        split[name].sort(key=lambda example: position[example.file_name])
    split = {name: chosen for name, chosen in split.items() if chosen}
    if not split:
        raise DataPrepError("the sizes leave no picture at all: ask for at least one with --train-size")
    return split


def draw(examples: Iterable[Example], seed: int, stratified: bool) -> list[Example]:
    """The examples in the order of their ranks; every beginning of it is a subset of its own.

    With `stratified`, the k-th of a class of n comes at (k + 1/2) / n, so that every beginning holds each class in
    proportion.
    """
    ranked = sorted(examples, key=lambda example: rank(example.file_name, seed))
    if not stratified:
        return ranked
    counts = Counter(example.label_id for example in ranked)
    seen: Counter[int] = Counter()
    places = []
    for example in ranked:
        places.append((2 * seen[example.label_id] + 1) / (2 * counts[example.label_id]))
        seen[example.label_id] += 1
    return [ranked[i] for i in sorted(range(len(ranked)), key=lambda i: (places[i], i))]


def rank(name: str, seed: int) -> bytes:
    """Where `name` stands in the draw of `seed`: 32 bytes, evenly spread."""
    return hashlib.sha256(f"{seed}\0{name}".encode()).digest()


def _cut(examples: Sequence[Example], size: Size | None, flag: str, sampling: Sampling) -> list[Example]:
    if size is None:
        return list(examples)
    count = size.of(len(examples))
    if count > len(examples):
        raise DataPrepError(f"{flag} {size.text}: there are {len(examples)} such pictures: ask for no more")
    return draw(examples, sampling.seed, sampling.stratified)[:count]


def _classes(classes: Sequence[str], sampling: Sampling) -> set[int]:
    def matching(patterns: Iterable[str], flag: str) -> set[int]:
        found: set[int] = set()
        for pattern in patterns:
            ids = {i for i, label in enumerate(classes) if fnmatchcase(label.casefold(), pattern.casefold())}
            if not ids:
                raise DataPrepError(f"{flag} {pattern}: no class of that name: `data_prep inspect` lists them")
            found |= ids
        return found

    kept = matching(sampling.include, "--include-class") if sampling.include else set(range(len(classes)))
    kept -= matching(sampling.exclude, "--exclude-class")
    if not kept:
        raise DataPrepError("--exclude-class leaves no class: exclude fewer")
    return kept


def _too_many(sampling: Sampling, train: int, val: int, test: int, total: int) -> str:
    asked = ((sampling.train_size, train, "--train-size"), (sampling.val_size, val, "--val-size"))
    flags = [f"{flag} {size.text}" for size, _, flag in (*asked, (sampling.test_size, test, "--test-size")) if size]
    return (
        f"{', '.join(flags) or 'the sizes'}: train {train} + val {val} + test {test} pictures of {total}: ask for fewer"
    )
