"""Read prepared parquet files a few rows at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep.error import DataPrepError
from speciarl_verl.data_contract import check_parquet
from speciarl_verl.errors import DataContractError

BATCH_ROWS = 128


def check(path: Path) -> None:
    """Refuse what is no parquet of the record contract.

    Raises:
        DataPrepError: naming what is wrong with it.
    """
    try:
        check_parquet(str(path))
    except DataContractError as error:
        raise DataPrepError(str(error)) from error


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows in order; with `columns` only those, the pictures are then not read."""
    with pq.ParquetFile(path) as parquet:
        yield from parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns)
