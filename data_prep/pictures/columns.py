"""Arrow arrays made straight of buffers.

`pa.array` would import pandas first, a third of a second in every worker process, and grow its buffer value by value.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa


def binaries(values: Sequence[bytes]) -> pa.Array:
    """Values of `pa.binary()`."""
    return _concatenated(values, pa.binary())


def strings(values: Sequence[str]) -> pa.Array:
    """Values of `pa.string()`."""
    return _concatenated([value.encode() for value in values], pa.string())


def integers(values: Sequence[int]) -> pa.Array:
    """Values of `pa.int64()`."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(array("q", values))])


def struct(fields: dict[str, pa.Array]) -> pa.StructArray:
    """One struct a row."""
    return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))


def one_each(values: pa.Array) -> pa.ListArray:
    """A list of one value a row."""
    starts = array("i", range(len(values) + 1))
    offsets = pa.Array.from_buffers(pa.int32(), len(starts), [None, pa.py_buffer(starts)])
    return pa.ListArray.from_arrays(offsets, values)


def _concatenated(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    ends = pa.py_buffer(array("i", [0, *accumulate(map(len, values))]))
    return pa.Array.from_buffers(kind, len(values), [None, ends, pa.py_buffer(b"".join(values))])
