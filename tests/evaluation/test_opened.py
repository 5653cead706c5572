from pathlib import Path

import pytest

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.opened import Evaluation, Expected, alone_in, check_keys, complete_predictions
from speciarl_verl.evaluation.records import Prediction, SampleKey
from speciarl_verl.evaluation.store import predictions_journal
from tests.evaluation.judged_lists import RUN
from tests.evaluation.small_set import small_set


def test_a_folder_is_held_against_a_second_command_and_then_free(tmp_path: Path) -> None:
    held = alone_in(tmp_path / "run")
    with held, pytest.raises(EvaluationError, match="another evaluation is at work"), alone_in(tmp_path / "run"):
        pass
    with alone_in(tmp_path / "run"):
        pass


def test_an_error_inside_is_not_the_locks(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="mine"), alone_in(tmp_path):
        raise OSError("mine")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvaluationError, match=r"--out .*file/run: cannot be written"), alone_in(tmp_path / "file/run"):
        pass


def test_complete_predictions_are_all_of_them_in_order(tmp_path: Path) -> None:
    evaluation = Evaluation(tmp_path, RUN, small_set(tmp_path, 3))
    keys = list(evaluation.expected.keys())
    journal = predictions_journal(tmp_path)
    journal.append([Prediction(key, "Wren", "wren") for key in keys[:0:-1]])
    with pytest.raises(EvaluationError, match="has 2 of 3 samples: finish the stage predict first"):
        complete_predictions(evaluation)
    journal.append([Prediction(keys[0], "Wren", "wren")])
    assert [one.key for one in complete_predictions(evaluation)] == keys


def test_check_keys_names_a_foreign_sample_and_a_double_one(tmp_path: Path) -> None:
    expected = set(Expected(small_set(tmp_path, 1), 2).keys())
    journal = predictions_journal(tmp_path)
    check_keys(expected, expected, journal)
    with pytest.raises(EvaluationError, match=r"000\.png sample 0 is there twice"):
        check_keys([SampleKey("cub", "000.png", 0)] * 2, expected, journal)
    with pytest.raises(EvaluationError, match=r"000\.png sample 2 is not part of this run"):
        check_keys([SampleKey("cub", "000.png", 2)], expected, journal)
