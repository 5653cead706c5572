"""Which labels somebody should look at."""

import pytest

from data_prep.inspection.labels import look_at_labels


@pytest.mark.parametrize(
    "label",
    ["n01440764", "17", "001.Albatross", "apple_pie", "IMG_1.jpg", "a/b/c", "images", "Caf%C3%A9", r"a\b", "3-fox"],
)
def test_ids_folders_and_file_names_are_found(label: str) -> None:
    assert look_at_labels({"train": ["robin", label]}).ids == (label,)


@pytest.mark.parametrize("label", ["Ram C/V Cargo Van", "F/A-18", "737-300", "Boeing 747", "C-130", "4Runner"])
def test_names_with_signs_and_numbers_are_no_ids(label: str) -> None:
    assert look_at_labels({"train": [label]}).ids == ()


def test_labels_of_one_split_only_are_found() -> None:
    found = look_at_labels({"train": ["a", "b"], "val": ["a"], "test": ["a", "c", "d"]})
    assert found.alone == {"train": ("b",), "test": ("c", "d")}
    assert look_at_labels({"train": ["a", "b"]}).alone == {}


@pytest.mark.parametrize(
    "group",
    [
        ("Cat", "cat ", "cats"),
        ("creme brulee", "crème brûlée"),
        ("F 16", "F-16"),
        ("black-bird", "blackbird"),
        ("cherries", "cherry"),
        ("box", "boxes"),
        ("Brewer's Sparrow", "Brewers Sparrow"),
    ],
)
def test_labels_that_are_nearly_the_same_are_one_group(group: tuple[str, ...]) -> None:
    assert look_at_labels({"train": [*group, "dog"]}).near == (group,)


def test_labels_of_other_things_are_no_group() -> None:
    assert look_at_labels({"train": ["bus", "bu", "glass", "glas", "cat", "cart", "737-200", "737-300"]}).near == ()


def test_labels_within_others_are_found_word_by_word() -> None:
    found = look_at_labels({"train": ["Ram", "Dodge Ram", "Dodge Ram Pickup", "Ramp", "ram-page", "Tramway"]})
    assert found.within == (
        ("Dodge Ram", "Dodge Ram Pickup"),
        ("Ram", "Dodge Ram"),
        ("Ram", "Dodge Ram Pickup"),
        ("Ram", "ram-page"),
    )


def test_labels_that_read_as_a_refusal_are_found() -> None:
    assert look_at_labels({"train": ["unknown", "None", "nun"]}).refusals == ("None", "unknown")


def test_labels_that_read_as_several_options_are_found() -> None:
    found = look_at_labels({"train": ["highway or road", "abc/def", "F/A-18", "Mont d'Or", "robin"]})
    assert found.several == ("abc/def", "highway or road")
