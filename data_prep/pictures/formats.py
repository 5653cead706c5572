"""The kinds of image files that Pillow reads here, by their endings and by their first bytes."""

from functools import lru_cache

from PIL import Image

_BY_CONTENT = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "PPM", "JPEG2000")
"""Tried on every file, whatever its name says: the first bytes of these formats are their own."""

_NO_PICTURES = frozenset({"EPS", "PDF", "WMF", "MPEG", "HDF5", "GRIB", "BUFR", "FITS", "IPTC", "MCIDAS", "SPIDER"})
"""Pages, films and measurements, which need other programs or have no colours."""

_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF"}
_STARTS = {b"<svg": "SVG", b"%PDF": "PDF", b"8BPS": "Photoshop", b"\xff\x0a": "JPEG XL", b"\0\0\0\x0cJXL ": "JPEG XL"}


@lru_cache(maxsize=1)
def suffixes() -> frozenset[str]:
    """Endings of the pictures that Pillow reads, in lower case and with their dot."""
    return frozenset(_by_suffix())


def formats_of(file_name: str) -> tuple[str, ...]:
    """The formats that a file may have: those told by content, and the one of its ending."""
    own = _by_suffix().get(_suffix(file_name))
    known = tuple(name for name in _BY_CONTENT if name in Image.OPEN)
    return known if own is None or own in known else (*known, own)


def kind_of(data: bytes) -> str | None:
    """What a file is that Pillow does not read, as far as its first bytes tell."""
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    return next((kind for start, kind in _STARTS.items() if data.lstrip()[: len(start)] == start), None)


@lru_cache(maxsize=1)
def _by_suffix() -> dict[str, str]:
    readable = {
        suffix: name
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in _NO_PICTURES
    }
    # Names of JPEG that cameras and browsers give and Pillow does not list.
    return readable | {".jfi": "JPEG", ".pjpeg": "JPEG", ".pjp": "JPEG"}


def _suffix(file_name: str) -> str:
    dot = file_name.rfind(".")
    return file_name[dot:].lower() if dot > file_name.rfind("/") else ""
