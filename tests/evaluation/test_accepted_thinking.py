"""Of a judged run, the thinking that led to the truth."""

from pathlib import Path

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.accepted_thinking import accepted_thinking
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.method.category import Category


def judged(image: str, sample: int, thought: str | None, outcome: Category | Outcome) -> Judged:
    response = None if outcome is Outcome.FAILED else f"{thought or ''}<answer>said</answer> more"
    failure = "timed out" if response is None else None
    return Judged(Prediction(SampleKey("cub", image, sample), "truth", response, failure), "said", outcome)


def test_the_first_specific_response_of_each_picture_gives_its_thinking(tmp_path: Path) -> None:
    journal = verdicts_journal(tmp_path)
    journal.append(
        [
            judged("a", 2, "<think>later</think>", Category.SPECIFIC),
            judged("a", 1, "<think>first\nof all</think>\n", Category.MORE_SPECIFIC),
            judged("a", 0, "<think>broad</think>", Category.LESS_SPECIFIC),
            judged("b", 0, "<think>wrong</think>", Category.WRONG),
            judged("c", 0, None, Category.SPECIFIC),
            judged("d", 0, None, Outcome.FAILED),
            judged("e", 0, "<think>e</think>", Outcome.UNPARSEABLE),
        ]
    )
    assert accepted_thinking(tmp_path) == {("cub", "a"): "<think>first\nof all</think>\n"}


def test_a_folder_without_verdicts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no judged run there"):
        accepted_thinking(tmp_path)
