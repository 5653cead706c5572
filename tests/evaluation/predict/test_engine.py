from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from speciarl_verl.evaluation.pictures import PictureRow
from speciarl_verl.evaluation.predict.engine import one_line, picture_seed
from tests.evaluation.small_set import small_set


@given(st.integers(0, 2**63), st.text(), st.text())
def test_a_seed_leaves_room_for_the_samples_after_it(seed: int, dataset: str, image: str) -> None:
    first = picture_seed(seed, PictureRow(dataset, image, "Wren", "a.parquet", 0, ""))
    assert 0 <= first < first + 2**20 <= 2**31


def test_seeds_are_each_pictures_own_by_its_name_alone(tmp_path: Path) -> None:
    pictures = small_set(tmp_path, count=50)
    seeds = [picture_seed(3, picture) for picture in pictures]
    assert len(set(seeds)) == 50
    assert seeds[0] == picture_seed(3, PictureRow("cub", "000.png", "another", "elsewhere.parquet", 9, "x"))
    assert seeds[0] != picture_seed(4, pictures[0])


@given(st.text())
def test_an_error_is_one_line_that_says_something(text: str) -> None:
    line = one_line(ValueError(text))
    assert 0 < len(line) <= 500
    assert len(line.splitlines()) == 1


def test_an_error_without_words_is_its_kind() -> None:
    assert one_line(TimeoutError("\n ")) == "TimeoutError"
