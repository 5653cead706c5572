"""Which pictures go where: sizes, class filters, validation held out of train.

Pictures of the publisher's train split (and those without a split) form a pool, in the order of the draw:

    [ train .......... | not used ... | val ... | test (only where the publisher has none) ]

So train and what is held out never meet, and a larger `--val-size` takes nothing from a given `--train-size`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_prep.draw import draw
from data_prep.error import DataPrepError
from data_prep.listing import Example, Listing
from data_prep.size import Size

DEFAULT_VAL = Size(text="5%", number=5, percent=True)
DEFAULT_TEST = Size(text="20%", number=20, percent=True)


@dataclass(frozen=True)
class Sampling:
    """What the user wants of a data set.

    Attributes:
        train_size: None takes all that is not held out.
        val_size: None takes the publisher's validation split, or `DEFAULT_VAL` (less if `train_size` leaves less).
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


@dataclass(frozen=True)
class _Cuts:
    """How many of the pool go where."""

    train: int
    val: int
    test: int


def select(listing: Listing, sampling: Sampling) -> dict[str, list[Example]]:
    """Draw the splits; an empty one is left out. Train comes in the order of the draw, the others in the publisher's.

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

    pool = _draw(pool, sampling)
    # Only a data set without any split lacks a test split that would have to be made.
    unsplit = not test and any(example.split is None for example in pool)
    cuts = _cuts(len(pool), sampling, hold_val=not val, hold_test=unsplit)
    after_val = len(pool) - cuts.test
    splits = {"train": pool[: cuts.train], "val": pool[after_val - cuts.val : after_val], "test": pool[after_val:]}
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


def _cuts(total: int, sampling: Sampling, hold_val: bool, hold_test: bool) -> _Cuts:
    test = (sampling.test_size or DEFAULT_TEST).of(total) if hold_test else 0
    val = (sampling.val_size or DEFAULT_VAL).of(total) if hold_val else 0
    if sampling.train_size is None:
        train = max(0, total - test - val)
    else:
        train = sampling.train_size.of(total)
        if sampling.val_size is None:
            val = min(val, max(0, total - test - train))
    if train + val + test > total:
        raise DataPrepError(
            f"--train-size, --val-size and --test-size ask for {train} + {val} + {test} of {total} pictures: "
            "ask for fewer"
        )
    return _Cuts(train=train, val=val, test=test)


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
        ids = {i for i, label in enumerate(classes) if fnmatchcase(label.casefold(), pattern.casefold())}
        if not ids:
            some = ", ".join(classes[:3])
            raise DataPrepError(f"{flag} {pattern}: no class of that name: the {len(classes)} classes are {some}, ...")
        found |= ids
    return found
