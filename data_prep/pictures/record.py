"""Rows of the record contract, as Arrow columns."""

from collections.abc import Sequence

import pyarrow as pa

from data_prep.listing import Listing
from data_prep.pictures.columns import binaries, integers, one_each, strings, struct
from data_prep.pictures.shard import Checked
from speciarl_verl.data_contract import ABILITY, IMAGE_PLACEHOLDER, REWARD_STYLE, SCHEMA


def record_batch(
    split: str, listing: Listing, prompt: str, pictures: Sequence[Checked], data: Sequence[bytes]
) -> pa.RecordBatch:
    """One row a picture, in the columns of `SCHEMA`.

    Args:
        prompt: the default prompt's text; the image placeholder is put before it.
        data: the bytes to store, one a picture.
    """
    count = len(pictures)
    examples = [picture.example for picture in pictures]
    labels = [listing.classes[example.label_id] for example in examples]

    def constant(text: str) -> pa.Array:
        return strings([text] * count)

    columns = {
        "data_source": constant(listing.name),
        "prompt": one_each(struct({"role": constant("user"), "content": constant(IMAGE_PLACEHOLDER + prompt)})),
        "images": one_each(struct({"bytes": binaries(data), "path": pa.nulls(count, pa.string())})),
        "ability": constant(ABILITY),
        "reward_model": struct({"style": constant(REWARD_STYLE), "ground_truth": strings(labels)}),
        "extra_info": struct(
            {
                "split": constant(split),
                "index": integers([picture.index for picture in pictures]),
                "file_name": strings([example.file_name for example in examples]),
                "label_id": integers([example.label_id for example in examples]),
                "content_hash": strings([picture.content_hash for picture in pictures]),
            }
        ),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
