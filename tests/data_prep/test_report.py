"""What a parquet's report says."""

import hashlib

from data_prep.report import SplitReport


def test_rows_are_counted_by_class_and_hashed_in_order() -> None:
    one, other = SplitReport(), SplitReport()
    rows = [("a.jpg", "wren", "00"), ("b.jpg", "robin", "01"), ("c.jpg", "wren", "02")]
    for row in rows:
        one.add(*row)
    for row in reversed(rows):
        other.add(*row)
    summary = one.summary()
    assert summary["class_counts"] == {"robin": 1, "wren": 2}
    assert (summary["rows"], summary["classes"]) == (3, 2)
    text = "".join(f"{name}\0{label}\0{content}\n" for name, label, content in rows)
    assert summary["rows_sha256"] == hashlib.sha256(text.encode()).hexdigest() != other.summary()["rows_sha256"]
