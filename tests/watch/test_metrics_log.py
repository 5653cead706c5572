"""verl's file log, read while it grows, after a kill and over several launches."""

import json
from pathlib import Path

import pytest

from speciarl_verl.errors import InputError
from speciarl_verl.watch.metrics_log import REWARD, GrowingFile, LoggedStep, metric_files, read_steps


def line(step: int, **figures: object) -> str:
    return json.dumps({"step": step, "data": figures}) + "\n"


def test_line_that_is_not_whole_yet_waits_for_the_next_look(tmp_path: Path) -> None:
    growing = GrowingFile(path := tmp_path / "metrics.jsonl")
    assert growing.new_lines() == []
    path.write_text("one\ntw")
    assert growing.new_lines() == ["one"]
    with path.open("a") as file:
        file.write("o\nthree\n")
    assert growing.new_lines() == ["two", "three"]
    assert growing.new_lines() == []


def test_bytes_of_an_earlier_launch_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"before\n")
    growing = GrowingFile(tmp_path / "log", offset=7)
    with (tmp_path / "log").open("ab") as file:
        file.write(b"after \xff\n")
    assert growing.new_lines() == ["after \ufffd"]


def test_step_that_was_logged_twice_counts_as_logged_last_and_keeps_what_only_the_first_had(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text(line(1, **{REWARD: 0.1}) + line(2, **{REWARD: 0.2}))
    # The validation of a resumed run is logged under the step of its checkpoint.
    (tmp_path / "2.jsonl").write_text(line(1, val=0.5) + line(2, **{REWARD: 0.3}) + '{"step": 3, "da')
    assert read_steps(metric_files(tmp_path)) == [
        LoggedStep(1, {REWARD: 0.1, "val": 0.5}),
        LoggedStep(2, {REWARD: 0.3}),
    ]


def test_only_finite_numbers_are_figures(tmp_path: Path) -> None:
    # verl writes NaN as null.
    (tmp_path / "1.jsonl").write_text(line(1, a=None, b=float("inf"), c=True, d="x", e=2))
    assert read_steps(metric_files(tmp_path)) == [LoggedStep(1, {"e": 2.0})]


@pytest.mark.parametrize("text", ["no JSON\n", "[]\n", '{"step": 1}\n', '{"step": "x", "data": {}}\n'])
def test_foreign_file_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "1.jsonl").write_text(line(1) + text)
    with pytest.raises(InputError, match=r"1\.jsonl:2: no line of verl's file log"):
        read_steps(metric_files(tmp_path))
