"""Rows of the record contract, as Arrow columns."""

from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa

from data_prep.shard import Checked
from speciarl_verl.data_contract import ABILITY, IMAGE_PLACEHOLDER, REWARD_STYLE, SCHEMA


def record_batch(
    split: str, data_source: str, prompt: str, pictures: Sequence[Checked], data: Sequence[bytes]
) -> pa.RecordBatch:
    """One row a picture, in the columns of `SCHEMA`.

    Args:
        prompt: the default prompt's text; the image placeholder is put before it.
        data: the bytes to store, one a picture.
    """
    count = len(pictures)

    def constant(text: str) -> pa.Array:
        return pa.repeat(text, count)

    def strings(values: Sequence[str]) -> pa.Array:
        return pa.array(values, pa.string())

    def struct(fields: dict[str, pa.Array]) -> pa.StructArray:
        return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))

    def one_each(values: pa.StructArray) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), values)

    rows = [picture.row for picture in pictures]
    columns = {
        "data_source": constant(data_source),
        "prompt": one_each(struct({"role": constant("user"), "content": constant(IMAGE_PLACEHOLDER + prompt)})),
        "images": one_each(struct({"bytes": _binary(data), "path": pa.nulls(count, pa.string())})),
        "ability": constant(ABILITY),
        "reward_model": struct({"style": constant(REWARD_STYLE), "ground_truth": strings([row.label for row in rows])}),
        "extra_info": struct(
            {
                "split": constant(split),
                "index": pa.array([row.index for row in rows], pa.int64()),
                "file_name": strings([row.file_name for row in rows]),
                "label_id": pa.array([row.label_id for row in rows], pa.int64()),
                "content_hash": strings([picture.content_hash for picture in pictures]),
            }
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _binary(data: Sequence[bytes]) -> pa.Array:
    """The same as `pa.array`, which would grow its buffer picture by picture."""
    offsets = pa.array([0, *accumulate(map(len, data))], pa.int32())
    return pa.Array.from_buffers(pa.binary(), len(data), [None, offsets.buffers()[1], pa.py_buffer(b"".join(data))])
