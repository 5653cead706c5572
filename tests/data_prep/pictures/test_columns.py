"""Arrow arrays made of buffers are those that pyarrow would make."""

import pyarrow as pa

from data_prep.pictures.columns import binaries, integers, one_each, strings, struct


def test_arrays_equal_those_of_pyarrow() -> None:
    assert binaries([b"", b"ab", b"c"]).equals(pa.array([b"", b"ab", b"c"], pa.binary()))
    assert strings(["", "é", "知更"]).equals(pa.array(["", "é", "知更"], pa.string()))
    assert integers([0, -1, 1 << 40]).equals(pa.array([0, -1, 1 << 40], pa.int64()))
    assert binaries([]).equals(pa.array([], pa.binary()))


def test_struct_and_list_hold_one_value_a_row() -> None:
    values = struct({"a": integers([1, 2]), "b": strings(["x", "y"])})
    assert values.to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert one_each(values).to_pylist() == [[{"a": 1, "b": "x"}], [{"a": 2, "b": "y"}]]
    one_each(values).validate(full=True)
