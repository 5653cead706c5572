"""A PNG without its texts is the same picture."""

import io

from PIL import Image, PngImagePlugin

from data_prep.pictures.png_text import without_text
from tests.data_prep.sample_pictures import encoded, jpeg, noise


def test_texts_go_and_pixels_stay() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "x" * 2000)
    info.add_text("b", "y" * 2000, zip=True)
    info.add_itxt("c", "é" * 2000)
    image = noise(1)
    data = encoded(image, "PNG", pnginfo=info, icc_profile=b"profile")
    assert without_text(data) == encoded(image, "PNG")
    assert Image.open(io.BytesIO(without_text(data))).tobytes() == image.tobytes()


def test_other_files_stay_as_they_are() -> None:
    assert without_text(jpeg(1)) == jpeg(1)
    assert without_text(b"") == b""


def test_half_a_png_ends_where_it_ended() -> None:
    data = encoded(noise(1), "PNG")[:60]
    assert without_text(data) == data
