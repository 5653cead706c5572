"""What is left out is counted and named."""

from data_prep.left_out import LeftOut


def test_many_are_counted_and_some_named() -> None:
    (entry,) = LeftOut.of("files", (f"{number}.txt" for number in range(7)))
    assert entry.line() == "left out: 7 files (0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ...)"
    assert entry.summary() == {"what": "files", "count": 7, "names": [f"{number}.txt" for number in range(5)]}


def test_few_are_all_named() -> None:
    (entry,) = LeftOut.of("files", ["a", "b"])
    assert entry.line() == "left out: 2 files (a, b)"


def test_none_make_no_entry() -> None:
    assert LeftOut.of("files", []) == ()
