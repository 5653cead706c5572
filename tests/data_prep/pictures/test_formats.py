"""Which files are pictures by name, and which kinds by content."""

import pytest

from data_prep.pictures.formats import formats_of, kind_of, suffixes


def test_endings_of_pictures_are_known_and_others_are_not() -> None:
    wanted = {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".avif",
        ".gif",
        ".bmp",
        ".tif",
        ".ppm",
        ".jp2",
        ".tga",
    }
    assert wanted <= suffixes()
    assert not {".heic", ".svg", ".pdf", ".eps", ".txt", ".mp4", ".h5", ".fits", ""} & suffixes()


@pytest.mark.parametrize(("name", "more"), [("a.TGA", "TGA"), ("a/b.c/d.pcx", "PCX")])
def test_format_without_a_mark_is_tried_where_the_ending_says_so(name: str, more: str) -> None:
    assert formats_of(name)[-1] == more
    assert more not in formats_of("a.jpg")


@pytest.mark.parametrize("name", ["a.jpg", "train/00000001", "a.b/c", "noending", "a.heic"])
def test_formats_with_a_mark_are_tried_on_every_file(name: str) -> None:
    assert {"JPEG", "PNG", "WEBP", "AVIF", "TIFF"} <= set(formats_of(name))


def test_kind_is_told_by_the_first_bytes() -> None:
    assert kind_of(b"\0\0\0\x18ftypheic") == "HEIC"
    assert kind_of(b"\0\0\0\x18ftypmp42") is None
    assert kind_of(b"\n <svg>") == "SVG"
    assert kind_of(b"<html>") is None
