"""Numbers of pictures and percentages."""

import pytest

from data_prep.error import DataPrepError
from data_prep.size import Size


@pytest.mark.parametrize(
    ("text", "total", "count"),
    [("3000", 10, 3000), ("50%", 7, 4), ("12.5 %", 8, 1), ("0", 9, 0), ("100%", 9, 9), (" 5 ", 9, 5), ("0.1%", 100, 0)],
)
def test_size_of_a_total(text: str, total: int, count: int) -> None:
    assert Size.parse(text, "--val-size").of(total) == count


@pytest.mark.parametrize("text", ["-1", "x", "", "1.5", "101%", "5 %%", "٣"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(DataPrepError, match="--val-size"):
        Size.parse(text, "--val-size")
