from pathlib import Path

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.report.plots.canvas import MARKERS, SERIES, new_figure, save, series_colour, series_marker


def test_series_are_told_apart_for_as_long_as_there_are_pairs() -> None:
    number = len(SERIES) * len(MARKERS)
    assert len({(series_colour(i), series_marker(i)) for i in range(number)}) == number
    # Neighbours never share a colour.
    assert all(series_colour(i) != series_colour(i + 1) for i in range(number))


def test_a_figure_is_saved_twice_with_equal_bytes_and_no_date(tmp_path: Path) -> None:
    figures = [new_figure(2.0) for _ in range(2)]
    for figure in figures:
        figure.add_subplot().plot([0, 1], [1, 0], label="犬")
    one, other = (save(figure, tmp_path / name, "a") for figure, name in zip(figures, ("one", "other"), strict=True))
    assert [path.name for path in one] == ["a.png", "a.svg"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]
    assert b"<dc:date>" not in one[1].read_bytes()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "plots").touch()
    with pytest.raises(InputError, match=r"plots/a\.png: cannot be written"):
        save(new_figure(2.0), tmp_path / "plots", "a")
