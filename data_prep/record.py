"""Rows of the record contract, as Arrow columns."""

from collections.abc import Sequence

import pyarrow as pa

from data_prep.columns import binaries, integers, one_each, strings, struct
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
    rows = [picture.row for picture in pictures]

    def constant(text: str) -> pa.Array:
        return strings([text] * count)

    columns = {
        "data_source": constant(data_source),
        "prompt": one_each(struct({"role": constant("user"), "content": constant(IMAGE_PLACEHOLDER + prompt)})),
        "images": one_each(struct({"bytes": binaries(data), "path": pa.nulls(count, pa.string())})),
        "ability": constant(ABILITY),
        "reward_model": struct({"style": constant(REWARD_STYLE), "ground_truth": strings([row.label for row in rows])}),
        "extra_info": struct(
            {
                "split": constant(split),
                "index": integers([row.index for row in rows]),
                "file_name": strings([row.file_name for row in rows]),
                "label_id": integers([row.label_id for row in rows]),
                "content_hash": strings([picture.content_hash for picture in pictures]),
            }
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
