from pathlib import Path

import pytest

from recipes.quickstart.by_visibility import read_figures, read_visibilities, summarise
from recipes.quickstart.world import Visibility
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.method.category import Category

DUCK = "Scarlet crowned Duck"


def judged(number: int, outcome: Category | Outcome) -> Judged:
    return Judged(Prediction(SampleKey("cub", f"images/{number}.png", 0), DUCK, "said"), None, outcome)


SEEN = [
    (Visibility.CLEAR, Category.SPECIFIC),
    (Visibility.CLEAR, Category.WRONG),
    (Visibility.HIDDEN, Category.LESS_SPECIFIC),
    (Visibility.HIDDEN, Outcome.UNPARSEABLE),
    (Visibility.BLURRED, Category.GENERIC),
    (Visibility.BLURRED, Category.ABSTAIN),
    (Visibility.BLURRED, Outcome.UNPARSEABLE),
]
VISIBILITIES = {f"{number}.png": visibility for number, (visibility, _) in enumerate(SEEN)}
JUDGED = [judged(number, outcome) for number, (_, outcome) in enumerate(SEEN)]


def test_figures_are_the_papers_and_the_unparseable_is_wrong(tmp_path: Path) -> None:
    journal = verdicts_journal(tmp_path)
    journal.append(JUDGED)
    figures = read_figures(tmp_path, VISIBILITIES)
    # Four of seven are not wrong; their scores are 4, 3, 2 and 1.
    assert figures["correctness"] == pytest.approx(4 / 7)
    assert figures["specificity"] == pytest.approx(10 / 16)
    assert figures["counts"] == {"W": 3, "A": 1, "G": 1, "S-": 1, "S": 1, "S+": 0}
    assert figures["unparseable"] == 2
    assert {name: seen["n"] for name, seen in figures["by_visibility"].items()} == {
        "clear": 2,
        "hidden": 2,
        "blurred": 3,
    }
    assert figures["by_visibility"]["hidden"] == {
        "specificity": 0.75,
        "correctness": 0.5,
        "hm": pytest.approx(0.6),
        "n": 2,
        "counts": {"W": 1, "A": 0, "G": 0, "S-": 1, "S": 0, "S+": 0},
        "unparseable": 1,
    }


def test_pictures_of_another_world_and_unfinished_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"9\.png is not in the images\.txt"):
        summarise([judged(9, Category.SPECIFIC)], VISIBILITIES)
    with pytest.raises(InputError, match="holds no verdicts"):
        read_figures(tmp_path, VISIBILITIES)


@pytest.fixture
def visibility(tmp_path: Path) -> Path:
    (tmp_path / "CUB_200_2011").mkdir()
    (tmp_path / "CUB_200_2011" / "images.txt").write_text("1 a/1.png\n2 a/2.png\n")
    path = tmp_path / "visibility.txt"
    path.write_text("2 hidden\n1 clear\n")
    return path


def test_visibilities_are_joined_by_image_id(visibility: Path) -> None:
    assert read_visibilities(visibility) == {"a/1.png": Visibility.CLEAR, "a/2.png": Visibility.HIDDEN}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("1 clear\n", "no line for 1 images, such as id 2", id="image-without"),
        pytest.param("1 clear\n2\n", "visibility.txt:2: expected", id="cut-line"),
        pytest.param("1 clear\n2 foggy\n", "'foggy' is not a valid", id="unknown-word"),
    ],
)
def test_visibilities_that_do_not_fit_are_refused(visibility: Path, text: str, message: str) -> None:
    visibility.write_text(text)
    with pytest.raises(InputError, match=message):
        read_visibilities(visibility)
