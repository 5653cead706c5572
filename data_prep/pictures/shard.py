"""A shard: some consecutive rows of a split, checked by one worker; its result is kept until the run is complete.

The result says of every picture that it is whole and what its hash is, and holds the bytes of those that had to be
re-encoded; the others are copied from the source when the parquet is written. It lies in an Arrow file under a name
made of a hash of all that went into it, so that an interrupted run finds the shards it finished, and never takes one
that another source, seed or setting would have made.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import PIL
import pyarrow as pa

from data_prep.error import DataPrepError
from data_prep.listing import Example, PictureStore, Stamp
from data_prep.pictures.columns import binaries, integers, strings
from data_prep.pictures.picture import prepare_picture
from data_prep.pictures.settings import Settings
from speciarl_verl.data_contract import CONTRACT_VERSION

MAX_ROWS = 128
MAX_BYTES = 32 << 20
"""A shard is closed at either: it is what one process holds in memory, and one row group of the parquet."""

_SCHEMA = pa.schema(
    [("index", pa.int64()), ("content_hash", pa.string()), ("size", pa.int64()), ("reencoded", pa.binary())]
)
_SKIPPED = b"skipped"


@dataclass(frozen=True)
class Shard:
    """The order to make one.

    Attributes:
        start: place of its first picture in the split.
        size: bytes of all its source files.
        stamps: a hash over the sizes and ages of these.
    """

    split: str
    start: int
    examples: tuple[Example, ...]
    size: int
    stamps: str


@dataclass(frozen=True)
class Checked:
    """A picture that is fit to be stored.

    Attributes:
        index: its place in the split.
        content_hash: SHA-256 of the bytes to store.
        size: their number.
        reencoded: the bytes, None where they are the source's own.
    """

    index: int
    example: Example
    content_hash: str
    size: int
    reencoded: bytes | None


@dataclass(frozen=True)
class ShardResult:
    """What became of a shard: its good pictures, and one message for each broken one that was skipped."""

    pictures: tuple[Checked, ...]
    skipped: tuple[str, ...]


def cut(split: str, examples: Sequence[Example], store: PictureStore) -> Iterator[Shard]:
    """Cut a split into shards, the same ones wherever it is done.

    Raises:
        DataPrepError: a picture is missing.
    """
    start, stamps = 0, list[Stamp]()
    for position, example in enumerate(examples):
        stamp = store.stamp(example.file_name)
        if stamps and (len(stamps) == MAX_ROWS or sum(s.size for s in stamps) + stamp.size > MAX_BYTES):
            yield _shard(split, start, examples[start:position], stamps)
            start, stamps = position, []
        stamps.append(stamp)
    if stamps:
        yield _shard(split, start, examples[start:], stamps)


def _shard(split: str, start: int, examples: Sequence[Example], stamps: Sequence[Stamp]) -> Shard:
    digest = hashlib.sha256(str([(stamp.size, stamp.modified) for stamp in stamps]).encode()).hexdigest()
    return Shard(split, start, tuple(examples), sum(stamp.size for stamp in stamps), digest)


def shard_path(shard: Shard, source: str, settings: Settings, folder: Path) -> Path:
    """The file of a shard's result; it exists only if it is complete."""
    names = [example.file_name for example in shard.examples]
    content = [CONTRACT_VERSION.decode(), PIL.__version__, source, astuple(settings), names, shard.stamps]
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
    return folder / f"{shard.split}-{shard.start:08d}-{digest[:24]}.arrow"


def make_shard(shard: Shard, settings: Settings, store: PictureStore, path: Path) -> None:
    """Read and check the pictures of one shard, and write the result.

    Raises:
        DataPrepError: a broken picture (unless they are skipped), or the result cannot be written.
    """
    pictures: list[Checked] = []
    skipped = []
    for index, example in enumerate(shard.examples, start=shard.start):
        where = store.where(example.file_name)
        try:
            data = read_source(store, example.file_name)
            picture = prepare_picture(data, where, settings)
        except DataPrepError as error:
            if not settings.skip_broken:
                raise
            skipped.append(str(error))
            continue
        content_hash = hashlib.sha256(picture.data).hexdigest()
        own = picture.data if picture.reencoded else None
        pictures.append(Checked(index, example, content_hash, len(picture.data), own))
    arrays = [
        integers([picture.index for picture in pictures]),
        strings([picture.content_hash for picture in pictures]),
        integers([picture.size for picture in pictures]),
        binaries([picture.reencoded or b"" for picture in pictures]),
    ]
    schema = _SCHEMA.with_metadata({_SKIPPED: json.dumps(skipped).encode()})
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        unfinished.replace(path)
    except OSError as error:
        raise DataPrepError(f"{path.parent}: cannot be written ({error}): free disk space") from error


def read_shard(shard: Shard, path: Path) -> ShardResult:
    """The result of a finished shard."""
    with pa.OSFile(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        skipped = json.loads(reader.schema.metadata[_SKIPPED])
        found = reader.get_batch(0).to_pylist()
    pictures = []
    for row in found:
        example = shard.examples[row["index"] - shard.start]
        pictures.append(Checked(row["index"], example, row["content_hash"], row["size"], row["reencoded"] or None))
    return ShardResult(pictures=tuple(pictures), skipped=tuple(skipped))


def read_source(store: PictureStore, file_name: str) -> bytes:
    """The source's bytes of one picture.

    Raises:
        DataPrepError: it cannot be read.
    """
    try:
        return store.read(file_name)
    except OSError as error:
        where = store.where(file_name)
        raise DataPrepError(f"{where}: cannot be read ({error.strerror}): check its permissions") from error
