"""What splits are called."""

import pytest

from data_prep.error import DataPrepError
from data_prep.splits import SplitNames, similar_split


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Training", "train"), ("VALID", "val"), ("dev", "val"), ("eval", "test"), ("extra", None)],
)
def test_names_that_everybody_uses_are_known(name: str, split: str | None) -> None:
    assert SplitNames().get(name) == split


def test_what_the_user_gives_comes_first() -> None:
    names = SplitNames.parse(["dev=test", "extra=none", "a=b=train"])
    assert [names.get(name) for name in ("dev", "extra", "a=b", "train")] == ["test", "none", "train", "train"]


@pytest.mark.parametrize("text", ["extra", "extra=", "=train", "extra=exam"])
def test_other_form_is_refused(text: str) -> None:
    with pytest.raises(DataPrepError, match=f"--split {text}: not NAME=SPLIT"):
        SplitNames.parse([text])


def test_name_that_the_source_has_not_is_refused() -> None:
    names = SplitNames.parse(["extra=none"])
    names.check_used(["train", "extra"], "src")
    with pytest.raises(DataPrepError, match="--split extra=none: src has train, test"):
        names.check_used(["train", "test"], "src")
    with pytest.raises(DataPrepError, match="src has no splits"):
        names.check_used([], "src")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("seg_train", "train"),
        ("testImages", "test"),
        ("TRAIN2017", "train"),
        ("my-validation-set", "val"),
        ("train_test", None),
        ("trainer", None),
        ("contest", None),
        ("images", None),
    ],
)
def test_names_like_a_split_speak_of_one(name: str, split: str | None) -> None:
    assert similar_split(name) == split
