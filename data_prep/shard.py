"""A shard: some consecutive rows of a split, prepared by one worker process and kept on disk until the run is complete.

A shard is an Arrow file under a name made of a hash of all that went into it, so that an interrupted run finds those it
finished, and never takes one that another source, seed or setting would have made.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import PIL
import pyarrow as pa

from data_prep.error import DataPrepError
from data_prep.listing import PictureStore
from data_prep.picture import Picture, Verify, prepare_picture
from speciarl_verl.data_contract import (
    ABILITY,
    CONTRACT_VERSION,
    EXTRA_INFO,
    IMAGE_PLACEHOLDER,
    REWARD_STYLE,
    SCHEMA,
)

MAX_ROWS = 128
MAX_BYTES = 32 << 20
"""A shard is closed at either: it is what one process holds in memory, and one row group of the parquet."""

_NOTE = b"data_prep.shard"


@dataclass(frozen=True)
class Row:
    """One picture on its way into a split."""

    index: int
    file_name: str
    label_id: int
    label: str
    size: int  # bytes of the source file
    modified: int  # nanoseconds


@dataclass(frozen=True)
class Settings:
    """What turns a source file into stored bytes."""

    data_source: str
    prompt: str
    verify: Verify
    max_pixels: int
    skip_broken: bool


@dataclass(frozen=True)
class Shard:
    """The order to make one."""

    split: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ShardNote:
    """What a finished shard knows about itself.

    Attributes:
        reencoded: how many of its pictures are not the publisher's bytes.
        skipped: one message for each broken picture left out.
    """

    reencoded: int
    skipped: tuple[str, ...]


def cut(split: str, rows: Sequence[Row]) -> Iterator[Shard]:
    """Cut a split into shards, the same ones wherever it is done."""
    start, held = 0, 0
    for position, row in enumerate(rows):
        if position > start and (position - start == MAX_ROWS or held + row.size > MAX_BYTES):
            yield Shard(split=split, rows=tuple(rows[start:position]))
            start, held = position, 0
        held += row.size
    yield Shard(split=split, rows=tuple(rows[start:]))


def shard_path(shard: Shard, settings: Settings, folder: Path) -> Path:
    """The file of a shard; it exists only if it is complete."""
    content = [CONTRACT_VERSION.decode(), PIL.__version__, asdict(settings), asdict(shard)]
    digest = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
    return folder / f"{shard.split}-{shard.rows[0].index:08d}-{digest[:24]}.arrow"


def make_shard(shard: Shard, settings: Settings, store: PictureStore, path: Path) -> Path:
    """Read, check and write the pictures of one shard.

    Raises:
        DataPrepError: a broken picture (unless they are skipped), or the shard cannot be written.
    """
    rows, pictures, skipped = [], [], []
    for row in shard.rows:
        try:
            pictures.append(_picture(row, settings, store))
            rows.append(row)
        except DataPrepError as error:
            if not settings.skip_broken:
                raise
            skipped.append(str(error))
    note = {"reencoded": sum(picture.reencoded for picture in pictures), "skipped": skipped}
    schema = SCHEMA.with_metadata({**SCHEMA.metadata, _NOTE: json.dumps(note).encode()})
    batch = _batch(shard.split, rows, [picture.data for picture in pictures], settings).replace_schema_metadata(
        schema.metadata
    )
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(batch)
        unfinished.replace(path)
    except OSError as error:
        raise DataPrepError(
            f"{path.parent}: cannot be written ({error}): free disk space or choose another --out"
        ) from error
    return path


def read_shard(path: Path) -> tuple[pa.RecordBatch, ShardNote]:
    """A finished shard, mapped into memory, and its note."""
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        note = json.loads(reader.schema.metadata[_NOTE])
        batch = reader.get_batch(0).replace_schema_metadata(SCHEMA.metadata)
    return batch, ShardNote(reencoded=note["reencoded"], skipped=tuple(note["skipped"]))


def _picture(row: Row, settings: Settings, store: PictureStore) -> Picture:
    where = store.where(row.file_name)
    try:
        data = store.read(row.file_name)
    except OSError as error:
        raise DataPrepError(
            f"{where}: cannot be read ({error.strerror}): check the file and its permissions"
        ) from error
    return prepare_picture(data, where, settings.verify, settings.max_pixels)


def _batch(split: str, rows: Sequence[Row], pictures: Sequence[bytes], settings: Settings) -> pa.RecordBatch:
    count = len(rows)

    def constant(text: str) -> pa.Array:
        return pa.array([text] * count, pa.string())

    def one_each(values: pa.StructArray) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), values)

    def struct(fields: dict[str, pa.Array]) -> pa.StructArray:
        return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))

    columns = {
        "data_source": constant(settings.data_source),
        "prompt": one_each(
            struct({"role": constant("user"), "content": constant(IMAGE_PLACEHOLDER + settings.prompt)})
        ),
        "images": one_each(struct({"bytes": pa.array(pictures, pa.binary()), "path": pa.nulls(count, pa.string())})),
        "ability": constant(ABILITY),
        "reward_model": struct(
            {"style": constant(REWARD_STYLE), "ground_truth": pa.array([row.label for row in rows], pa.string())}
        ),
        "extra_info": pa.array(
            [
                {
                    "split": split,
                    "index": row.index,
                    "file_name": row.file_name,
                    "label_id": row.label_id,
                    "content_hash": hashlib.sha256(data).hexdigest(),
                }
                for row, data in zip(rows, pictures, strict=True)
            ],
            EXTRA_INFO,
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
