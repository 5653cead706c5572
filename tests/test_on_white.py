import pytest
from PIL import Image

from speciarl_verl.on_white import to_rgb


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa"])
def test_transparent_pixels_become_white(mode):
    image = Image.new("RGBA", (2, 2), 0)
    assert to_rgb(image.convert(mode)).getpixel((0, 0)) == (255, 255, 255)


def test_transparent_colour_of_a_palette_becomes_white():
    image = Image.new("P", (2, 2), 0)
    image.putpalette([9, 9, 9])
    image.info["transparency"] = 0
    assert to_rgb(image).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1"])
def test_opaque_pixels_stay(mode):
    image = Image.new("RGB", (2, 2), (255, 255, 255)).convert(mode)
    assert to_rgb(image).getpixel((0, 0)) == (255, 255, 255)
    assert to_rgb(image).mode == "RGB"
