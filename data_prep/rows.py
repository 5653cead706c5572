"""Read prepared parquet files a few rows at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 128


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows in order; with `columns` only those, the pictures are then not read."""
    with pq.ParquetFile(path) as parquet:
        yield from parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns)
