"""What passes through byte for byte, what is re-encoded and how, and what is refused."""

import io
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from data_prep.error import DataPrepError
from data_prep.pictures.picture import Picture, prepare_picture
from data_prep.pictures.settings import MIN_SIDE, Settings
from tests.data_prep.sample_pictures import encoded, grey_jpeg, jpeg, noise, png


def _prepare(data: bytes, where: str = "a.jpg", **options: Any) -> Picture:
    return prepare_picture(data, where, Settings(**options))


def _open(data: bytes) -> Image.Image:
    """As verl's loader does it: no EXIF rotation, then RGB."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _huge_png(width: int, height: int) -> bytes:
    """The head of a picture of any size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", head) + _png_chunk(b"IDAT", b"") + _png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(1), id="jpeg"),
        pytest.param(grey_jpeg(1), id="grey-jpeg"),
        pytest.param(png(1), id="png"),
        pytest.param(encoded(noise(1), "WEBP", lossless=True), id="webp"),
        pytest.param(encoded(noise(1), progressive=True), id="progressive-jpeg"),
        pytest.param(jpeg(1) + b"trailing bytes of a camera", id="trailing-bytes"),
        pytest.param(encoded(noise(1), exif=Image.Exif()), id="exif-without-orientation"),
    ],
)
@pytest.mark.parametrize("verify", ["header", "full"])
def test_good_picture_passes_unchanged(data: bytes, verify: str) -> None:
    picture = _prepare(data, "a.jpg", verify=verify)
    assert (picture.data, picture.reencoded) == (data, False)


def test_orientation_is_applied() -> None:
    upright = Image.new("RGB", (40, 20), "red")
    upright.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture = _prepare(encoded(upright.rotate(90, expand=True), exif=exif), "a.jpg")
    shown = _open(picture.data)
    assert picture.reencoded
    assert shown.size == (40, 20)
    assert shown.getpixel((5, 10))[2] > 200
    assert shown.getpixel((35, 10))[0] > 200
    assert not Image.open(io.BytesIO(picture.data)).getexif().get(0x0112)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        pytest.param(Image.new("RGB", (30, 30), (200, 100, 50)).convert("CMYK"), "JPEG", id="cmyk-jpeg"),
        pytest.param(Image.new("RGB", (30, 30), (200, 100, 50)).quantize(8), "PNG", id="palette-png"),
        pytest.param(Image.new("RGB", (30, 30), (200, 100, 50)), "BMP", id="bmp"),
        pytest.param(Image.new("RGB", (30, 30), (200, 100, 50)), "GIF", id="gif"),
        pytest.param(Image.new("RGB", (30, 30), (200, 100, 50)), "TIFF", id="tiff"),
        pytest.param(Image.new("RGBA", (30, 30), (200, 100, 50, 255)), "PNG", id="opaque-rgba"),
    ],
)
def test_other_modes_become_rgb_jpeg_of_the_same_colour(image: Image.Image, kind: str) -> None:
    picture = _prepare(encoded(image, kind), "a.jpg")
    stored = Image.open(io.BytesIO(picture.data))
    assert picture.reencoded
    assert (stored.format, stored.mode, stored.size) == ("JPEG", "RGB", (30, 30))
    assert max(abs(a - b) for a, b in zip(stored.getpixel((15, 15)), (200, 100, 50), strict=True)) <= 4


def test_transparent_pixels_become_white() -> None:
    picture = _prepare(encoded(Image.new("RGBA", (30, 30), (0, 0, 0, 0)), "PNG"), "a.png")
    assert min(_open(picture.data).getpixel((15, 15))) >= 254


def test_transparent_palette_entry_becomes_white() -> None:
    image = Image.new("P", (30, 30), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    picture = _prepare(encoded(image, "PNG", transparency=0), "a.png")
    assert min(_open(picture.data).getpixel((15, 15))) >= 254


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (32896, 128), (65535, 255)])
def test_sixteen_bit_grey_is_scaled_not_clipped(value: int, expected: int) -> None:
    image = Image.frombytes("I;16", (20, 20), struct.pack("<H", value) * 400)
    shown = _open(_prepare(encoded(image, "PNG"), "a.png").data)
    assert all(abs(band - expected) <= 1 for band in shown.getpixel((10, 10)))


def test_floating_point_picture_is_refused() -> None:
    with pytest.raises(DataPrepError, match=r"a\.tif: floating-point pixels"):
        _prepare(encoded(Image.new("F", (30, 30), 0.5), "TIFF"), "a.tif")


@pytest.mark.parametrize("size", [(120, 60), (200, 100), (3200, 1600)])
def test_large_picture_is_scaled_to_the_budget(size: tuple[int, int]) -> None:
    picture = _prepare(encoded(noise(1, size)), "a.jpg", max_pixels=5000)
    width, height = _open(picture.data).size
    assert picture.reencoded
    assert 4500 < width * height <= 5000
    assert abs(width / height - 2) < 0.05


def test_picture_of_exactly_the_budget_passes() -> None:
    data = encoded(noise(1, (100, 50)))
    assert _prepare(data, "a.jpg", max_pixels=5000).data == data


def test_reencoding_is_the_same_every_time() -> None:
    data = encoded(noise(1, mode="RGBA"), "PNG")
    assert _prepare(data, "a.png").data == _prepare(data, "b.png").data


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "PPM"])
def test_also_other_formats_named_jpg_are_read(kind: str) -> None:
    picture = _prepare(encoded(noise(1, (32, 32)), kind), "a.jpg")
    assert _open(picture.data).size == (32, 32)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIF"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.4", "PDF"),
    ],
)
def test_also_kinds_that_pillow_does_not_read_are_called_by_name(data: bytes, kind: str) -> None:
    with pytest.raises(DataPrepError, match=rf"a\.jpg: a {kind} file, which Pillow does not read"):
        _prepare(data, "a.jpg")


@pytest.mark.parametrize("verify", ["header", "full"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_also_png_with_long_texts_is_stored_without_them(verify: str, where: str) -> None:
    text = _png_chunk(b"zTXt", b"history\0\0" + zlib.compress(b"x" * (2 << 20)))
    plain = encoded(noise(1), "PNG")
    place = 33 if where == "before" else len(plain) - 12
    data = plain[:place] + text + plain[place:]
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        _open(data).load()
    if verify == "full" or where == "before":
        assert _prepare(data, verify=verify) == Picture(plain, reencoded=True)


def test_also_warnings_of_pillow_stay_out_of_the_report(recwarn: pytest.WarningsRecorder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(1, (40, 30)), exif=exif)
    broken = data.replace(b"MM\0*\0\0\0\x08\0\x01\x01\x12", b"MM\0*\0\0\0\x08\0\xff\x01\x12")
    assert broken != data
    _prepare(broken)
    assert not recwarn.list


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_film_is_stored_as_what_the_loader_shows_of_it(kind: str) -> None:
    frames = [noise(seed, (32, 32)) for seed in (1, 2)]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **lossless)
    stored = _open(_prepare(data).data)
    first = _open(data)
    difference = max(abs(a - b) for a, b in zip(stored.tobytes(), first.tobytes(), strict=True))
    assert difference < 90


@pytest.mark.parametrize("cut", [10, 20])
def test_bottom_is_cut_off_upright(cut: int) -> None:
    upright = Image.new("RGB", (40, 60), "red")
    upright.paste("blue", (0, 60 - cut, 40, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = _open(_prepare(encoded(upright.rotate(90, expand=True), exif=exif), cut_bottom=cut).data)
    assert shown.size == (40, 60 - cut)
    assert all(shown.getpixel((20, y))[2] < 60 for y in range(60 - cut - 2))


@pytest.mark.parametrize("verify", ["header", "full"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"<!DOCTYPE html><html>", "not an image", id="web-page"),
        pytest.param(jpeg(1)[:30], "image", id="half-a-header"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "image", id="signature-only"),
        pytest.param(encoded(noise(1, (MIN_SIDE - 1, 50))), f"a side needs at least {MIN_SIDE}", id="too-small"),
        pytest.param(encoded(noise(1, (14, 2814))), "more elongated than 200:1", id="too-long"),
        pytest.param(_huge_png(20000, 20000), "has more than 178956970 pixels", id="bomb"),
    ],
)
def test_unusable_picture_is_refused_in_one_line(data: bytes, message: str, verify: str) -> None:
    with pytest.raises(DataPrepError, match=message) as caught:
        _prepare(data, "dir/a.jpg", verify=verify)
    assert str(caught.value).startswith("dir/a.jpg: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("progressive", [False, True])
def test_full_finds_damage_wherever_verls_loader_does(kind: str, progressive: bool) -> None:
    data = encoded(noise(1, (64, 48)), kind, progressive=progressive)
    for kept in range(len(data) - 1, 0, -max(1, len(data) // 40)):
        try:
            _open(data[:kept])
        except Exception:
            with pytest.raises(DataPrepError):
                _prepare(data[:kept], "a.jpg", verify="full")
        else:
            _prepare(data[:kept], "a.jpg", verify="full")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_damage_anywhere_is_refused_or_passed_never_a_crash(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(1), kind, **({} if kind in ("GIF", "BMP") else {"exif": exif}))
    chance = random.Random(0)
    refused = 0
    for _ in range(100):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[chance.randrange(min(len(damaged), 200))] = chance.randrange(256)
        try:
            _prepare(bytes(damaged), "a.jpg", verify="full")
        except DataPrepError:
            refused += 1
    assert refused > 5


def test_header_does_not_decode() -> None:
    data = jpeg(1)[:-40]
    assert _prepare(data, "a.jpg", verify="header").data == data
    with pytest.raises(DataPrepError, match="truncated or damaged"):
        _prepare(data, "a.jpg", verify="full")


def test_png_turned_by_a_chunk_behind_its_pixels_is_stored_upright() -> None:
    upright = Image.new("RGB", (40, 20), "red")
    upright.paste("blue", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(upright.rotate(90, expand=True), "PNG")
    data = plain[:-12] + _png_chunk(b"eXIf", exif.tobytes()[6:]) + plain[-12:]
    picture = _prepare(data)
    assert picture.reencoded
    assert _open(picture.data).size == (40, 20)
