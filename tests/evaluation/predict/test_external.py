import json
from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.errors import EvaluationError, SpeciaRLError
from speciarl_verl.evaluation.opened import Expected
from speciarl_verl.evaluation.predict.external import count_samples, file_sha256, read_external
from speciarl_verl.evaluation.records import Prediction
from speciarl_verl.evaluation.store import predictions_journal
from tests.evaluation.small_set import small_set


def line(number: int, **changes: Any) -> dict[str, Any]:
    return {"dataset": "cub", "image": f"{number:03d}.png", "response": f"<answer>{number}</answer>"} | changes


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return path


def test_predictions_come_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, 3), 1)
    file = write(tmp_path / "p.jsonl", [line(2), line(0, ground_truth="Blue Jay"), line(1, sample=0, extra=1)])
    predictions = read_external(file, expected, allow_missing=False)
    assert [p.key for p in predictions] == list(expected.keys())
    assert [p.response for p in predictions] == [f"<answer>{number}</answer>" for number in range(3)]
    assert [p.ground_truth for p in predictions] == ["Blue Jay", "Cardinal", "Blue Jay"]


def test_samples_are_counted_from_the_file(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, 2), 3)
    lines = [line(number, sample=sample) for sample in (2, 0, 1) for number in (0, 1)]
    file = write(tmp_path / "p.jsonl", lines)
    assert count_samples(file) == 3
    assert [p.key for p in read_external(file, expected, allow_missing=False)] == list(expected.keys())


def test_missing_samples_are_refused_or_counted_as_failed(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, 4), 1)
    file = write(tmp_path / "p.jsonl", [line(0), line(2)])
    with pytest.raises(EvaluationError, match=r"2 of 4 samples are missing, such as cub/001\.png sample 0; --allow-mi"):
        read_external(file, expected, allow_missing=False)
    predictions = read_external(file, expected, allow_missing=True)
    assert [p.failure for p in predictions] == [None, "no prediction in the file"] * 2


def test_a_failure_made_elsewhere_stays_one(tmp_path: Path) -> None:
    file = write(tmp_path / "p.jsonl", [line(0, response=None, failure="crashed")])
    (prediction,) = read_external(file, Expected(small_set(tmp_path, 1), 1), allow_missing=False)
    assert (prediction.response, prediction.failure) == (None, "crashed")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        pytest.param(line(0), r":2: cub/000\.png sample 0 is there twice", id="duplicate"),
        pytest.param(line(7), r":2: cub/007\.png is not in --data: predictions of another", id="unknown picture"),
        pytest.param(line(1, dataset="food101"), r":2: food101/001\.png is not in --data", id="another data set"),
        pytest.param(line(1, ground_truth="Wren"), r"is 'Cardinal' in --data, not 'Wren'", id="another truth"),
        pytest.param(line(1, sample=1), r":2: sample 1 of 1", id="too many samples"),
        pytest.param(line(1, sample=-1), r":2: sample: Input should be greater", id="sample below 0"),
        pytest.param(line(1, response=3), r":2: response: Input should be a valid string", id="response no text"),
        pytest.param({"dataset": "cub"}, r":2: image: Field required", id="no image"),
        pytest.param("{", r":2: not JSON", id="no json"),
        pytest.param("[]", r":2: a list; each line must be one JSON object", id="no object"),
    ],
)
def test_a_line_that_does_not_fit_is_refused_by_its_place(tmp_path: Path, second: Any, message: str) -> None:
    file = write(tmp_path / "p.jsonl", [line(0), second])
    with pytest.raises(EvaluationError, match=message) as caught:
        read_external(file, Expected(small_set(tmp_path, 2), 1), allow_missing=True)
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    for read in (file_sha256, count_samples):
        with pytest.raises(SpeciaRLError, match=r"--predictions .*nowhere.*cannot be read"):
            read(tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="holds no predictions"):
        count_samples(write(tmp_path / "p.jsonl", []))


SEPARATORS = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"


def test_s7_every_sign_but_the_newline_is_part_of_its_line(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, 2), 1)
    lines = [json.dumps(line(number, response=SEPARATORS), ensure_ascii=False) for number in (0, 1)]
    file = tmp_path / "p.jsonl"
    file.write_bytes(("\ufeff" + "\r\n".join([lines[0], "", "  ", lines[1], ""])).encode())
    assert count_samples(file) == 1
    assert [p.response for p in read_external(file, expected, allow_missing=False)] == [SEPARATORS] * 2


def test_s7_predictions_of_a_run_are_read_back(tmp_path: Path) -> None:
    expected = Expected(small_set(tmp_path, 2), 1)
    mine = [Prediction(key, picture.ground_truth, SEPARATORS + " caf\u00e9")
            for key, picture in zip(expected.keys(), expected.pictures, strict=True)]  # fmt: skip
    journal = predictions_journal(tmp_path)
    journal.append(mine)
    assert read_external(journal.path, expected, allow_missing=False) == mine
    journal.path.write_bytes(b"\xef\xbb\xbf" + journal.path.read_bytes().replace(b"\n", b"\n\n"))
    assert journal.load() == mine
