import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speciarl_verl.errors import EvaluationError
from speciarl_verl.evaluation.records import Judged, Outcome, Prediction, SampleKey
from speciarl_verl.evaluation.store import predictions_journal, verdicts_journal
from speciarl_verl.method.category import Category


def prediction(number: int, response: str | None = "<answer>a</answer>", failure: str | None = None) -> Prediction:
    return Prediction(SampleKey("cub", f"{number}.png", 0), "Blue Jay", response, failure, response_tokens=3)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.builds(SampleKey, TEXT, TEXT, st.integers(0, 10**6))
PREDICTIONS = st.builds(Prediction, KEYS, TEXT, TEXT, response_tokens=st.none() | st.integers(0)) | st.builds(
    Prediction, KEYS, TEXT, st.none(), TEXT
)
JUDGED = st.builds(
    Judged,
    PREDICTIONS,
    answer=st.none() | TEXT,
    outcome=st.sampled_from([*Category, *Outcome]),
    refusal=st.none() | TEXT,
    source=st.none() | TEXT,
    confidence=st.none() | st.floats(0, 1),
)


@example(first=[prediction(1, "<answer>\u2028\n\r\0 \ufeff caf\u00e9</answer>")], second=[prediction(2, "")])
@given(first=st.lists(PREDICTIONS), second=st.lists(PREDICTIONS))
def test_predictions_survive_the_file(
    tmp_path_factory: pytest.TempPathFactory, first: list[Prediction], second: list[Prediction]
) -> None:
    journal = predictions_journal(tmp_path_factory.mktemp("run"))
    for batch in (first, second):
        journal.append(batch)
    assert journal.load() == [*first, *second]
    assert journal.path.read_bytes().count(b"\n") == len(first) + len(second)
    journal.replace(second)
    assert journal.load() == second


@given(judged=st.lists(JUDGED))
def test_verdicts_survive_the_file(tmp_path_factory: pytest.TempPathFactory, judged: list[Judged]) -> None:
    journal = verdicts_journal(tmp_path_factory.mktemp("run"))
    journal.append(judged)
    assert journal.load() == judged


def test_a_lone_surrogate_becomes_a_replacement_character(tmp_path: Path) -> None:
    journal = predictions_journal(tmp_path)
    journal.append([prediction(1, "\ud800 alone \U0001f426")])
    assert journal.load() == [prediction(1, "\ufffd alone \U0001f426")]


def test_load_cuts_a_torn_line_off_wherever_it_was_torn(tmp_path: Path) -> None:
    journal = predictions_journal(tmp_path)
    journal.append([prediction(1), prediction(2)])
    whole = journal.path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        journal.path.write_bytes(whole[:cut])
        assert journal.load() == [prediction(1)]
        assert journal.path.read_bytes() == whole[:first]
        journal.append([prediction(2)])
        assert journal.path.read_bytes() == whole


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("not json", id="no json"),
        pytest.param("[1]", id="no object"),
        pytest.param('{"dataset": "cub"}', id="keys missing"),
        pytest.param('{"dataset":"cub","image":"a","sample":-1,"ground_truth":"x","response":"y"}', id="sample -1"),
        pytest.param('{"dataset":"cub","image":"a","sample":0,"ground_truth":"x"}', id="neither response nor failure"),
        pytest.param('{"dataset":"cub","image":"a","sample":0,"ground_truth":1,"response":"y"}', id="label no text"),
    ],
)
def test_load_refuses_a_foreign_line_and_names_it(tmp_path: Path, line: str) -> None:
    journal = predictions_journal(tmp_path)
    journal.append([prediction(1)])
    journal.path.write_text(journal.path.read_text() + line + "\n")
    with pytest.raises(EvaluationError, match=r"predictions\.jsonl:2: ") as caught:
        journal.load()
    assert "\n" not in str(caught.value)


def test_load_refuses_an_unknown_outcome(tmp_path: Path) -> None:
    journal = verdicts_journal(tmp_path)
    journal.append([Judged(prediction(1), "a", Category.SPECIFIC)])
    line = json.loads(journal.path.read_text())
    journal.path.write_text(json.dumps(line | {"outcome": "SS"}) + "\n")
    with pytest.raises(EvaluationError, match=r"verdicts\.jsonl:1: .*SS"):
        journal.load()


def test_replace_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    journal = predictions_journal(tmp_path)
    journal.append([prediction(1)])

    def broken() -> object:
        yield prediction(2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        journal.replace(broken())  # type: ignore[arg-type]
    assert journal.load() == [prediction(1)]
    journal.replace([prediction(3)])
    assert journal.load() == [prediction(3)]
