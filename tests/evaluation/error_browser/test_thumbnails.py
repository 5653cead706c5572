import io
import threading

import numpy as np
import pytest
from PIL import Image

from speciarl_verl.evaluation.error_browser import thumbnails
from speciarl_verl.evaluation.error_browser.thumbnails import (
    SETTINGS,
    Setting,
    choose_setting,
    encode_thumbnail,
    encode_thumbnails,
)


def _file(mode: str = "RGB", size: tuple[int, int] = (400, 200), colour: object = "red", format: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, format=format)  # type: ignore[arg-type]
    return out.getvalue()


def _noise(side: int = 200) -> bytes:
    levels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(levels).save(out, format="PNG")
    return out.getvalue()


def _decode(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "pixel"),
    [
        pytest.param(_file(), (255, 0, 0), id="rgb"),
        pytest.param(_file(format="JPEG"), (255, 0, 0), id="jpeg"),
        pytest.param(_file("L", colour=128), (128, 128, 128), id="grey"),
        pytest.param(_file("P", colour=0), (0, 0, 0), id="palette"),
        pytest.param(_file("CMYK", colour=(0, 255, 255, 0), format="JPEG"), (255, 0, 0), id="cmyk"),
        pytest.param(_file("RGBA", colour=(255, 0, 0, 0)), (255, 255, 255), id="transparent"),
    ],
)
def test_thumbnail_keeps_shape_and_colour(data: bytes, pixel: tuple[int, int, int]):
    thumbnail = _decode(encode_thumbnail(data, Setting(160, 60)))
    assert (thumbnail.format, thumbnail.mode, thumbnail.size) == ("WEBP", "RGB", (160, 80))
    assert np.abs(np.array(thumbnail.getpixel((80, 40))) - pixel).max() <= 8


def test_thumbnail_of_a_small_picture_is_not_enlarged():
    assert _decode(encode_thumbnail(_file(size=(56, 56)), Setting(160, 60))).size == (56, 56)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b"not a picture", id="text"),
        pytest.param(_noise()[:5000], id="truncated"),
    ],
)
def test_thumbnail_is_none_without_a_whole_picture(data: bytes | None):
    assert encode_thumbnail(data, Setting(160, 60)) is None


def test_settings_make_ever_smaller_files():
    sizes = [len(encode_thumbnail(_noise(), setting) or b"") for setting in SETTINGS]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(SETTINGS)


def test_setting_is_the_best_that_keeps_the_budget():
    sample = [_noise(), None, _noise()]
    sizes = [len(encode_thumbnail(sample[0], setting) or b"") for setting in SETTINGS]
    for setting, size in zip(SETTINGS, sizes, strict=True):
        assert choose_setting(sample, thumbnails.BUDGET // size) == setting
    assert choose_setting(sample, 10 * thumbnails.BUDGET) == SETTINGS[-1]
    assert choose_setting([None], 10 * thumbnails.BUDGET) == SETTINGS[0]


def test_thumbnails_come_in_order_and_files_are_read_in_this_thread_alone():
    readers = set()

    def read(number: int) -> bytes | None:
        readers.add(threading.get_ident())
        return None if number == 100 else _file(size=(number + 1, 1))

    made = list(encode_thumbnails(150, read))
    assert [None if one is None else _decode(one).width for one in made] == [
        None if number == 100 else number + 1 for number in range(150)
    ]
    assert readers == {threading.get_ident()}


def test_thumbnails_of_no_pictures_are_none():
    assert list(encode_thumbnails(0, lambda number: b"")) == []
