"""What no listing may hold, whichever reader made it."""

from pathlib import Path

import pytest

from data_prep.error import DataPrepError
from data_prep.listing import Example, FileStore, Listing, unseen_classes


def _listing(*labels: str, name: str = "x") -> Listing:
    examples = tuple(Example(f"{number}.jpg", number, None) for number in range(len(labels)))
    return Listing(name, labels, examples, FileStore(Path()))


@pytest.mark.parametrize("label", ["???", "!", "--", "🐦", "</answer>", "a</answer>b", "<think>robin"])
def test_label_that_no_answer_can_equal_is_refused(label: str) -> None:
    with pytest.raises(DataPrepError, match=r"src: class .* is no answer that could be judged"):
        _listing("robin", label).check("src")


@pytest.mark.parametrize(
    "label",
    [
        "highway or road",
        "Mont d'Or",
        "abc/def",
        "a b c d e f g h i j k l m",
        "robin / cardinal",
        "知更鸟",
        "C++",
        "<b>robin",
    ],
)
def test_label_that_an_answer_equals_in_spite_of_the_rules_is_taken(label: str) -> None:
    assert _listing("robin", label).check("src").classes == ("robin", label)


@pytest.mark.parametrize("what", ["label", "file", "name"])
def test_d4_half_of_a_surrogate_pair_is_refused(what: str) -> None:
    listing = Listing(
        "\ud800" if what == "name" else "x",
        ("\ud800" if what == "label" else "robin",),
        (Example("\ud800.jpg" if what == "file" else "1.jpg", 0, None),),
        FileStore(Path()),
    )
    with pytest.raises(DataPrepError, match=r"src: '\\ud800.* is not UTF-8"):
        listing.check("src")


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        (_listing(), "has no pictures: give the folder"),
        (_listing("robin", " "), "class number 2 has no name"),
        (_listing("robin", "robin"), "two classes are named 'robin'"),
        (Listing("x", ("a", "b"), (Example("1", 0, None),), FileStore(Path())), "class 'b' has no pictures"),
        (Listing("x", ("a",), (Example("1", 0, None),) * 2, FileStore(Path())), "picture 1 is listed 2 times"),
    ],
)
def test_what_no_publisher_ships_is_refused(listing: Listing, message: str) -> None:
    with pytest.raises(DataPrepError, match=f"src: {message}"):
        listing.check("src")


def test_missing_picture_that_is_a_link_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("gone.jpg")
    with pytest.raises(DataPrepError, match=r"a\.jpg: is listed but missing, a link to gone\.jpg: mend it"):
        FileStore(tmp_path, cure="mend it").stamp("a.jpg")


@pytest.mark.parametrize(
    ("splits", "notes"),
    [
        (("train", "train"), ()),
        (("train", "test"), ("1 classes are in val or test only: b",)),
        ((None, None), ()),
        (("test", "test"), ()),
    ],
)
def test_classes_that_only_val_or_test_has_are_noted(splits: tuple[str | None, ...], notes: tuple[str, ...]) -> None:
    examples = [Example(f"{number}.jpg", number, split) for number, split in enumerate(splits)]
    assert unseen_classes(("a", "b"), examples) == notes
