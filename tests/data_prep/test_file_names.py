"""Names that are litter, and names that are no text."""

import pytest

from data_prep.file_names import composed, is_litter, is_utf8


@pytest.mark.parametrize("name", [".DS_Store", "._a.jpg", "__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir"])
def test_what_systems_leave_behind_is_litter(name: str) -> None:
    assert is_litter(name)


@pytest.mark.parametrize("name", ["a.jpg", "macosx", "thumbs", "_a"])
def test_other_names_are_none(name: str) -> None:
    assert not is_litter(name)


def test_bytes_that_are_no_utf8_are_told_from_text() -> None:
    assert is_utf8("Zaunkönig 知更鸟")
    assert not is_utf8("caf\udce9")


def test_decomposed_diacritics_are_composed() -> None:
    assert composed("cafe\u0301") == "café"
