"""Draws: sizes, nesting, proportion, and what is held out of what."""

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing
from data_prep.sampling import Sampling, select
from data_prep.size import Size


def _listing(split: str | None = "train", counts: tuple[int, ...] = (400, 200, 100), **more: int) -> Listing:
    examples = [Example(f"{c}/{i}.jpg", c, split) for c, count in enumerate(counts) for i in range(count)]
    for part, count in more.items():
        examples += [Example(f"{part}/{i}.jpg", i % len(counts), part) for i in range(count)]
    return Listing("x", ("Ant", "Bee fly", "Cicada")[: len(counts)], tuple(examples), FileStore(Path()))


def _sampling(**options: Any) -> Sampling:
    sizes = {key: Size.parse(options.pop(key), key) for key in list(options) if key.endswith("_size")}
    return Sampling(**sizes, **options)


def _names(examples: list[Example]) -> list[str]:
    return [example.file_name for example in examples]


def _counts(listing: Listing, **options: Any) -> dict[str, int]:
    return {name: len(chosen) for name, chosen in select(listing, _sampling(**options)).items()}


@pytest.mark.parametrize("stratified", [False, True])
def test_smaller_draws_are_beginnings_of_larger_ones(stratified: bool) -> None:
    draws = [
        _names(select(_listing(test=9), _sampling(train_size=size, val_size="50", stratified=stratified))["train"])
        for size in ("12", "128", "400", "650")
    ]
    for smaller, larger in pairwise(draws):
        assert larger[: len(smaller)] == smaller


def test_validation_never_meets_train_and_does_not_move_it() -> None:
    one = select(_listing(test=9), _sampling(train_size="600", val_size="100"))
    two = select(_listing(test=9), _sampling(train_size="600", val_size="40"))
    assert not set(_names(one["train"])) & set(_names(one["val"]))
    assert _names(one["train"]) == _names(two["train"])
    assert set(_names(two["val"])) < set(_names(one["val"]))


def test_another_seed_draws_others() -> None:
    first, second = (set(_names(select(_listing(), _sampling(train_size="100", seed=s))["train"])) for s in (42, 43))
    assert len(first & second) < 40


def test_leaving_out_a_class_changes_nothing_for_the_rest() -> None:
    all_three = _names(select(_listing(), _sampling(train_size="560", val_size="0", test_size="0"))["train"])
    without = _names(select(_listing(), _sampling(val_size="0", test_size="0", exclude=("bee*",)))["train"])
    drawn = [name for name in all_three if not name.startswith("1/")]
    assert without[: len(drawn)] == drawn


@pytest.mark.parametrize("size", ["7", "70", "350"])
def test_stratified_draw_holds_classes_in_proportion(size: str) -> None:
    splits = select(_listing(test=9), _sampling(train_size=size, val_size="70", stratified=True))
    for examples in (splits["train"], splits["val"]):
        counts = Counter(example.label_id for example in examples)
        for label_id, share in enumerate((4 / 7, 2 / 7, 1 / 7)):
            assert abs(counts[label_id] - share * len(examples)) <= 1


@pytest.mark.parametrize(
    ("split", "more", "options", "expected"),
    [
        pytest.param("train", {"test": 30}, {}, {"train": 665, "val": 35, "test": 30}, id="held-out-val"),
        pytest.param("train", {"test": 30}, {"val_size": "0"}, {"train": 700, "test": 30}, id="no-val"),
        pytest.param("train", {"test": 30}, {"train_size": "690"}, {"train": 690, "val": 10, "test": 30}, id="rest"),
        pytest.param("train", {"test": 30}, {"train_size": "700"}, {"train": 700, "test": 30}, id="all-train"),
        pytest.param("train", {"val": 60, "test": 30}, {}, {"train": 700, "val": 60, "test": 30}, id="own-val"),
        pytest.param("train", {"val": 60}, {"val_size": "50%"}, {"train": 700, "val": 30}, id="part-of-own-val"),
        pytest.param("train", {"val": 60}, {"merge_val": True}, {"train": 722, "val": 38}, id="merged-val"),
        pytest.param("train", {"test": 30}, {"test_size": "10"}, {"train": 665, "val": 35, "test": 10}, id="part-test"),
        pytest.param(None, {}, {}, {"train": 525, "val": 35, "test": 140}, id="no-split"),
        pytest.param(None, {}, {"test_size": "100%", "val_size": "0"}, {"test": 700}, id="all-test"),
        pytest.param("train", {"test": 30}, {"train_size": "12.5%"}, {"train": 88, "val": 35, "test": 30}, id="part"),
        pytest.param("train", {"test": 30}, {"include": ("ANT", "c*")}, {"train": 475, "val": 25, "test": 20}, id="i"),
        pytest.param("test", {}, {}, {"test": 700}, id="test-only"),
    ],
)
def test_sizes(split: str | None, more: dict[str, int], options: dict[str, Any], expected: dict[str, int]) -> None:
    assert _counts(_listing(split, **more), **options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"train_size": "701"}, "ask for 701", id="train"),
        pytest.param({"train_size": "690", "val_size": "11"}, r"690 \+ 11 \+ 0 of 700 pictures", id="val"),
        pytest.param({"val_size": "701"}, "of 700", id="val-alone"),
        pytest.param({"test_size": "31"}, "--test-size 31: the publisher's split has 30", id="test"),
        pytest.param({"include": ("wasp",)}, "--include-class wasp: no class of that name: the 3 classes", id="incl"),
        pytest.param({"exclude": ("wasp",)}, "--exclude-class wasp: no class", id="excl"),
        pytest.param({"exclude": ("*",)}, "leaves no class", id="all-excluded"),
        pytest.param({"train_size": "0", "val_size": "0", "test_size": "0"}, "no picture at all", id="nothing"),
    ],
)
def test_sizes_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataPrepError, match=message):
        _counts(_listing(test=30), **options)


@pytest.mark.parametrize("split", ["train", None])
def test_shots_are_so_many_of_each_class_and_fewer_lie_within_more(split: str | None) -> None:
    drawn = {}
    for count in (1, 4, 16):
        splits = select(_listing(split, **({"test": 9} if split else {})), _sampling(per_class=count))
        assert Counter(example.label_id for example in splits["train"]) == {0: count, 1: count, 2: count}
        drawn[count] = set(_names(splits["train"]))
        held_out = {name for part in ("val", "test") for name in _names(splits[part])}
        assert not drawn[count] & held_out
    assert drawn[1] < drawn[4] < drawn[16]


def test_shots_leave_the_test_set_where_it_is() -> None:
    few, many = (select(_listing(None), _sampling(per_class=count)) for count in (1, 60))
    assert _names(few["test"]) == _names(many["test"]) == _names(select(_listing(None), _sampling())["test"])


def test_shots_of_a_class_that_has_fewer_are_refused() -> None:
    with pytest.raises(DataPrepError, match="--per-class 101: class 'Cicada' has 100 pictures to train on"):
        select(_listing(test=9), _sampling(per_class=101, val_size="0"))


def test_shots_that_leave_too_little_to_validate_on_are_refused() -> None:
    with pytest.raises(DataPrepError, match=r"ask for 300 \+ 401 \+ 0 of 700"):
        select(_listing(test=9), _sampling(per_class=100, val_size="401"))


@pytest.mark.parametrize("size", [1, 128, 699, 700])
def test_paper_draw_is_a_sample_of_the_publishers_list(size: int) -> None:
    listing = _listing(test=9)
    random.seed(42)
    expected = random.sample([name for name in _names(list(listing.examples)) if not name.startswith("test/")], size)
    splits = select(listing, _sampling(train_size=str(size), draw="paper"))
    assert _names(splits["train"]) == expected
    assert not set(_names(splits.get("val", []))) & set(expected)
    assert len(splits["test"]) == 9


def test_paper_draw_of_everything_is_the_publishers_list() -> None:
    listing = _listing(test=9)
    assert _names(select(listing, _sampling(draw="paper", val_size="0"))["train"]) == _names(listing.examples[:700])
    splits = select(listing, _sampling(draw="paper", val_size="100"))
    held_out = set(_names(splits["val"]))
    assert _names(splits["train"]) == [name for name in _names(listing.examples[:700]) if name not in held_out]


def test_paper_draw_takes_nothing_of_a_test_set_that_is_held_out() -> None:
    splits = select(_listing(None), _sampling(draw="paper", train_size="560", val_size="0"))
    assert len(splits["train"]) == 560
    assert not set(_names(splits["train"])) & set(_names(splits["test"]))
    with pytest.raises(DataPrepError, match="ask for 561"):
        select(_listing(None), _sampling(draw="paper", train_size="561"))


def test_class_with_brackets_in_its_name_is_matched_by_it() -> None:
    listing = Listing("x", ("Ford [old]", "wren"), (Example("1", 0, None), Example("2", 1, None)), FileStore(Path()))
    chosen = select(listing, _sampling(include=("ford [OLD]",), test_size="0"))
    assert _names(chosen["train"]) == ["1"]
