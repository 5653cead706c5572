"""Prepared rows, a few at a time."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data_prep import rows


def test_rows_come_in_order_and_with_the_columns_asked_for(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": range(300), "b": ["x"] * 300}), tmp_path / "a.parquet")
    batches = list(rows.batches(tmp_path / "a.parquet", ["a"]))
    assert max(batch.num_rows for batch in batches) <= rows.BATCH_ROWS
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == list(range(300))
    assert batches[0].schema.names == ["a"]
