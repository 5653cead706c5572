"""The record contract: the columns of every parquet that data_prep writes and that training and evaluation read.

`data_prep` writes by it, the data set and the start of a training check against it. One row is one picture:

| column | type | content |
|---|---|---|
| data_source | string | the data set's name, such as `cub` |
| prompt | list of {role, content} | one user message, the image placeholder and the default prompt |
| images | list of {bytes, path} | one picture: the bytes of an image file; path is always null |
| ability | string | `classification` |
| reward_model | {style, ground_truth} | `judge` and the label |
| extra_info | {split, index, file_name, label_id, content_hash} | see `EXTRA_INFO` |

verl's stock `RLHFDataset` reads the same columns. pyarrow is imported here, torch and verl are not.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from speciarl_verl.errors import DataContractError

CONTRACT_KEY = b"speciarl.contract"
CONTRACT_VERSION = b"1"
IMAGE_PLACEHOLDER = "<image>"
ABILITY = "classification"
REWARD_STYLE = "judge"
SPLITS = ("train", "val", "test")

EXTRA_INFO = pa.struct(
    [
        ("split", pa.string()),  # train, val or test
        ("index", pa.int64()),  # position of the row in its split
        ("file_name", pa.string()),  # the picture's path in its data set, with forward slashes
        ("label_id", pa.int64()),  # position of the label among the publisher's classes, from 0
        ("content_hash", pa.string()),  # SHA-256 of the stored bytes, hexadecimal
    ]
)
SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        ("extra_info", EXTRA_INFO),
    ],
    metadata={CONTRACT_KEY: CONTRACT_VERSION},
)

_CURE = "make it with `python -m data_prep`"
_GROUND_TRUTH = "reward_model.ground_truth"


def check_parquet(path: str) -> None:
    """Prove that `path` is a parquet of this contract in which every row has a ground truth. Reads no picture.

    Raises:
        DataContractError: it is not there, not a parquet, of another project or version, empty, or lacks a label.
    """
    if not Path(path).is_file():
        raise DataContractError(f"{path}: no such file: {_CURE}")
    try:
        with pq.ParquetFile(path) as parquet:
            _check_schema(path, parquet.schema_arrow)
            _check_ground_truths(path, parquet)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataContractError(f"{path}: not a readable parquet file ({reason}): {_CURE}") from error


def _check_schema(path: str, schema: pa.Schema) -> None:
    version = (schema.metadata or {}).get(CONTRACT_KEY)
    if version is None:
        raise DataContractError(
            f"{path}: not written by data_prep (its metadata has no {CONTRACT_KEY.decode()}): {_CURE}"
        )
    if version != CONTRACT_VERSION:
        raise DataContractError(
            f"{path}: written under data contract {version.decode(errors='replace')}, this version reads contract "
            f"{CONTRACT_VERSION.decode()}: {_CURE} again"
        )
    for field in SCHEMA:
        position = schema.get_field_index(field.name)
        if position < 0:
            raise DataContractError(f"{path}: column {field.name!r} is missing: {_CURE} again")
        if schema.field(position).type != field.type:
            raise DataContractError(
                f"{path}: column {field.name!r} is {schema.field(position).type}, not {field.type}: {_CURE} again"
            )


def _check_ground_truths(path: str, parquet: pq.ParquetFile) -> None:
    if parquet.metadata.num_rows == 0:
        raise DataContractError(f"{path}: has no rows: {_CURE} with a larger size")
    row = 0
    for batch in parquet.iter_batches(columns=[_GROUND_TRUTH]):
        for record in batch.column(0).to_pylist():
            label = None if record is None else record["ground_truth"]
            if label is None or not label.strip():
                raise DataContractError(
                    f"{path}: row {row} has no ground truth in {_GROUND_TRUTH}: label it and {_CURE}"
                )
            row += 1
