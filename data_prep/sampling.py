"""Which pictures go where: sizes, shots, class filters, validation held out of train.

Pictures of the publisher's train split (and those without a split) form a pool, in the order of the draw:

    [ train .......... | not used ... | val ... | test (only where the publisher has none) ]

So train and what is held out never meet, and a larger `--val-size` takes nothing from a given `--train-size`. Shots
(`--per-class`) are the first of each class in that order. `--draw paper` takes train as the paper's authors did:
`random.sample` over the publisher's list; what is held out comes from the rest.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from data_prep.draw import draw
from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing
from data_prep.size import Size

Draw = Literal["hash", "paper"]

DEFAULT_VAL = Size(text="5%", number=5, percent=True)
DEFAULT_TEST = Size(text="20%", number=20, percent=True)


@dataclass(frozen=True)
class Sampling:
    """What the user wants of a data set.

    Attributes:
        train_size: None takes all that is not held out.
        val_size: None takes the publisher's validation split, or `DEFAULT_VAL` (less if `train_size` leaves less).
        test_size: None takes the publisher's test split, or `DEFAULT_TEST` where there is none.
        per_class: so many training pictures of each class, instead of `train_size`.
        draw: `hash` nests smaller draws in larger ones; `paper` draws as the paper's authors did.
        merge_val: the publisher's validation split joins train before validation is held out.
        include, exclude: patterns of class names, up to case; every class when `include` is empty.
    """

    train_size: Size | None = None
    val_size: Size | None = None
    test_size: Size | None = None
    per_class: int | None = None
    stratified: bool = False
    draw: Draw = "hash"
    seed: int = 42
    merge_val: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def select(listing: Listing, sampling: Sampling) -> dict[str, list[Example]]:
    """Draw the splits; an empty one is left out.

    Train comes in the order of the draw (all of it under `paper` in the publisher's), the others in the publisher's.

    Raises:
        DataPrepError: a pattern that no class matches, or more pictures asked for than there are.
    """
    kept = _kept_classes(listing.classes, sampling)
    position = {example.file_name: number for number, example in enumerate(listing.examples)}
    pool, val, test = [], [], []
    for example in listing.examples:
        if example.label_id not in kept:
            continue
        if example.split == "test":
            test.append(example)
        elif example.split == "val" and not sampling.merge_val:
            val.append(example)
        else:
            pool.append(example)

    # Only a data set without any split lacks a test split that would have to be made.
    unsplit = not test and any(example.split is None for example in pool)
    splits = _cut(pool, listing.classes, sampling, hold_val=not val, hold_test=unsplit)
    if val:
        splits["val"] = _subset(val, sampling.val_size, "--val-size", sampling)
    if not unsplit:
        splits["test"] = _subset(test, sampling.test_size, "--test-size", sampling)
    for name in ("val", "test"):
        splits[name].sort(key=lambda example: position[example.file_name])
    splits = {name: examples for name, examples in splits.items() if examples}
    if not splits:
        raise DataPrepError("the sizes leave no picture at all: ask for at least one with --train-size")
    return splits


def _cut(
    pool: Sequence[Example], classes: Sequence[str], sampling: Sampling, hold_val: bool, hold_test: bool
) -> dict[str, list[Example]]:
    """Cut the pool, given in the publisher's order, into train and what is held out of it."""
    ordered, total = _draw(pool, sampling), len(pool)
    test = (sampling.test_size or DEFAULT_TEST).of(total) if hold_test else 0
    val = (sampling.val_size or DEFAULT_VAL).of(total) if hold_val else 0
    rest = ordered[: max(0, total - test)]
    everything = sampling.train_size is None and sampling.per_class is None
    train = rest[: max(0, len(rest) - val)] if everything else _train(pool, rest, classes, sampling)
    if not everything and sampling.val_size is None:
        val = min(val, max(0, len(rest) - len(train)))
    if len(train) + val + test > total:
        raise DataPrepError(_too_many(len(train), val, test, total))
    if everything and sampling.draw == "paper":
        taken = set(train)
        train = [example for example in pool if example in taken]
    taken = set(train)
    left = [example for example in rest if example not in taken]
    return {"train": train, "val": left[len(left) - val :], "test": ordered[total - test :]}


def _train(
    pool: Sequence[Example], rest: Sequence[Example], classes: Sequence[str], sampling: Sampling
) -> list[Example]:
    if sampling.per_class is not None:
        return _shots(pool, rest, classes, sampling.per_class)
    assert sampling.train_size is not None
    size = sampling.train_size.of(len(pool))
    if size > len(rest):
        raise DataPrepError(_too_many(size, 0, len(pool) - len(rest), len(pool)))
    if sampling.draw == "paper":
        allowed = set(rest)
        return random.Random(sampling.seed).sample([example for example in pool if example in allowed], size)
    return list(rest[:size])


def _shots(pool: Sequence[Example], rest: Sequence[Example], classes: Sequence[str], count: int) -> list[Example]:
    """The first `count` of each class."""
    taken: Counter[int] = Counter()
    shots = []
    for example in rest:
        if taken[example.label_id] < count:
            taken[example.label_id] += 1
            shots.append(example)
    for label_id in sorted({example.label_id for example in pool}):
        if taken[label_id] < count:
            raise DataPrepError(
                f"--per-class {count}: class {classes[label_id]!r} has {taken[label_id]} pictures to train on: ask for "
                "fewer, or leave it out with --exclude-class"
            )
    return shots


def _too_many(train: int, val: int, test: int, total: int) -> str:
    return (
        f"--train-size, --val-size and --test-size ask for {train} + {val} + {test} of {total} pictures: ask for fewer"
    )


def _draw(examples: Iterable[Example], sampling: Sampling) -> list[Example]:
    label = (lambda example: example.label_id) if sampling.stratified else None
    return draw(examples, sampling.seed, lambda example: example.file_name, label)


def _subset(examples: Sequence[Example], size: Size | None, flag: str, sampling: Sampling) -> list[Example]:
    if size is None:
        return list(examples)
    count = size.of(len(examples))
    if count > len(examples):
        raise DataPrepError(f"{flag} {size.text}: the publisher's split has {len(examples)} pictures: ask for fewer")
    return _draw(examples, sampling)[:count]


def _kept_classes(classes: Sequence[str], sampling: Sampling) -> set[int]:
    kept = set(range(len(classes)))
    if sampling.include:
        kept = _matching(classes, sampling.include, "--include-class")
    kept -= _matching(classes, sampling.exclude, "--exclude-class")
    if not kept:
        raise DataPrepError("--exclude-class leaves no class: exclude fewer")
    return kept


def _matching(classes: Sequence[str], patterns: Iterable[str], flag: str) -> set[int]:
    found: set[int] = set()
    for pattern in patterns:
        ids = {i for i, label in enumerate(classes) if _fits(label.casefold(), pattern.casefold())}
        if not ids:
            some = ", ".join(classes[:3])
            raise DataPrepError(f"{flag} {pattern}: no class of that name: the {len(classes)} classes are {some}, ...")
        found |= ids
    return found


def _fits(label: str, pattern: str) -> bool:
    # A name may hold brackets, which mean something in a pattern.
    return label == pattern or fnmatchcase(label, pattern)
