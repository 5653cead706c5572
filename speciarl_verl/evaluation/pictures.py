"""The pictures of an evaluation: rows of `data_prep` parquets, named without reading a picture, opened one by one.

`open_picture` is the way of training: verl lets `qwen_vl_utils` turn a picture to RGB and bring both sides to
multiples of the model's patches within the pixel budget; the model's own processor sees the result.
"""

import hashlib
import io
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from speciarl_verl.data_contract import CONTRACT_VERSION, check_parquet
from speciarl_verl.draw import rank
from speciarl_verl.errors import EvaluationError

if TYPE_CHECKING:
    from PIL import Image

NO_LIMIT = 0
_ROW_GROUPS_HELD = 8
_NAMES = ("data_source", "reward_model", "extra_info")


class PictureError(ValueError):
    """A picture that cannot be shown to the model; its samples fail, the others go on."""


@dataclass(frozen=True)
class PictureRow:
    """One row of a parquet.

    Attributes:
        dataset: its `data_source`.
        image: its file name in the data set.
        file: the parquet, and `row` the place in it.
        content_hash: SHA-256 of the stored bytes, hexadecimal.
    """

    dataset: str
    image: str
    ground_truth: str
    file: str
    row: int
    content_hash: str

    @property
    def name(self) -> tuple[str, str]:
        """Data set and file name."""
        return (self.dataset, self.image)


@dataclass(frozen=True)
class DataFile:
    """A parquet and what is in it; it is known by its content: the file may move.

    Attributes:
        fingerprint: SHA-256 over data set, file name, label and content hash of each row, in order: it tells content,
            whatever version of pyarrow wrote it.
    """

    path: str
    rows: int
    contract: str
    fingerprint: str


def read_pictures(files: Sequence[str]) -> list[PictureRow]:
    """Name the rows of some parquets, in their order.

    Raises:
        DataContractError: a file is not a parquet of this project.
        EvaluationError: a picture is there twice.
    """
    pictures = [picture for file in files for picture in _rows(file)]
    places: dict[tuple[str, str], PictureRow] = {}
    for picture in pictures:
        other = places.setdefault(picture.name, picture)
        if other is not picture:
            raise EvaluationError(
                f"--data: {picture.dataset}/{picture.image} is there twice: row {other.row} of {other.file} and row "
                f"{picture.row} of {picture.file}; give each picture once"
            )
    return pictures


def describe_files(pictures: Sequence[PictureRow]) -> tuple[DataFile, ...]:
    """What the files of these pictures hold, in the order of the pictures."""
    by_file: dict[str, list[PictureRow]] = {}
    for picture in pictures:
        by_file.setdefault(picture.file, []).append(picture)
    return tuple(
        DataFile(file, len(rows), CONTRACT_VERSION.decode(), _fingerprint(rows)) for file, rows in by_file.items()
    )


def draw(pictures: Sequence[PictureRow], limit: int | None, seed: int) -> list[PictureRow]:
    """The first `limit` pictures of each data set in the order of a hash of seed and name, as listed; all for None.

    A smaller limit draws from a larger one's.
    """
    if limit is None:
        return list(pictures)
    ranked: dict[str, list[PictureRow]] = {}
    for picture in sorted(pictures, key=lambda picture: rank(seed, picture.dataset, picture.image)):
        ranked.setdefault(picture.dataset, []).append(picture)
    chosen = {picture for group in ranked.values() for picture in group[:limit]}
    return [picture for picture in pictures if picture in chosen]


class PictureFiles:
    """Reads the stored bytes of pictures; it holds a few row groups, so reading in order is fast. Not thread-safe."""

    def __init__(self) -> None:
        self._opened = cache(_opened)
        self._group = lru_cache(_ROW_GROUPS_HELD)(_group)

    def read(self, picture: PictureRow) -> bytes:
        """The bytes of an image file.

        Raises:
            PictureError: there are none, or others than when the parquet was made.
        """
        try:
            parquet, starts = self._opened(picture.file)
            group = bisect_right(starts, picture.row) - 1
            data = self._group(parquet, group)[picture.row - starts[group]]
        except (OSError, IndexError) as error:
            raise PictureError(f"{picture.file} row {picture.row}: cannot be read: {error}") from error
        if hashlib.sha256(data).hexdigest() != picture.content_hash:
            raise PictureError(f"{picture.file} row {picture.row}: not the bytes of its content_hash")
        return data


def _opened(file: str) -> tuple[pq.ParquetFile, list[int]]:
    """A parquet, and the first row of each of its row groups."""
    parquet = pq.ParquetFile(file)
    sizes = (parquet.metadata.row_group(index).num_rows for index in range(parquet.metadata.num_row_groups))
    return parquet, [0, *accumulate(sizes)]


def _group(parquet: pq.ParquetFile, group: int) -> list[bytes]:
    column = parquet.read_row_group(group, columns=["images"]).column("images").to_pylist()
    return [(images or [{}])[0].get("bytes") or b"" for images in column]


def open_picture(
    data: bytes, patch_size: int, min_pixels: int | None = None, max_pixels: int | None = None
) -> "Image.Image":
    """Decode and resize a picture as training does.

    Args:
        patch_size: side of the vision model's patches in pixels, of which two by two make a token.
        min_pixels, max_pixels: of the result; None is what training takes (`qwen_vl_utils`' defaults), `NO_LIMIT`
            leaves the size alone, but for sides that are multiples of the patches.

    Raises:
        PictureError: it cannot be decoded, or its sides are too unequal.
    """
    from PIL import Image
    from qwen_vl_utils.vision_process import fetch_image

    bounds = {"min_pixels": min_pixels, "max_pixels": sys.maxsize if max_pixels == NO_LIMIT else max_pixels}
    try:
        source = Image.open(io.BytesIO(data))
        given = {name: pixels for name, pixels in bounds.items() if pixels is not None}
        return fetch_image({"image": source, **given}, image_patch_size=patch_size)
    except (ValueError, OSError, AssertionError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"the picture cannot be opened: {error}") from error


def _rows(file: str) -> list[PictureRow]:
    check_parquet(file)
    # An absolute path, so that a later stage finds the pictures from another folder.
    path = str(Path(file).resolve())
    table = pq.read_table(path, columns=list(_NAMES))
    columns = (table.column(name).to_pylist() for name in _NAMES)
    return [
        PictureRow(source, extra["file_name"], reward["ground_truth"], path, row, extra["content_hash"])
        for row, (source, reward, extra) in enumerate(zip(*columns, strict=True))
    ]


def _fingerprint(pictures: Sequence[PictureRow]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        fields = (picture.dataset, picture.image, picture.ground_truth, picture.content_hash)
        digest.update("\0".join(fields).encode() + b"\n")
    return digest.hexdigest()
