"""What became of classes and pictures, in one pass."""

from pathlib import Path
from typing import Any

import pytest

from speciarl_verl.run_report.run_folder import open_run
from speciarl_verl.run_report.survey import points, survey
from tests.run_report.made_run import make_run, write_rows


def row(index: int | None, category: str, truth: str = "robin", **fields: Any) -> dict[str, Any]:
    place = {"data_source": "cub", "index": index, "uid": f"u{index}", "session_id": 0}
    return {**place, "ground_truth": truth, "category": category, "answer": f"a {category} bird", **fields}


@pytest.fixture
def scripted(tmp_path: Path) -> Path:
    """Ten steps: the first two are early, the last two late."""
    folder = make_run(tmp_path / "run", steps=10)
    for step in range(1, 11):
        category = "G" if step <= 2 else "W" if step <= 8 else "S"
        rows = [row(7, category, text="It is."), row(7, category, text="It is."), row(step, "unparseable", "wren")]
        write_rows(folder / "rollouts" / f"{step}.jsonl", rows)
    return folder


def test_classes_are_compared_early_and_late(scripted: Path) -> None:
    found = survey(open_run(scripted))
    assert found.span == 2
    robin, wren = found.classes
    assert (robin.name, robin.early.n, robin.late.n) == ("robin", 4, 4)
    assert (robin.early.hm, robin.late.hm) == (pytest.approx(2 / 3), 1.0)
    assert robin.change == pytest.approx(1 / 3)
    assert (robin.early.commonest, robin.late.commonest) == ("a G bird", "a S bird")
    assert (wren.name, wren.change, wren.late.hm, wren.late.wrong) == ("wren", 0.0, 0.0, 0.0)


def test_pictures_have_their_visits_in_the_order_of_the_steps(scripted: Path) -> None:
    visits = survey(open_run(scripted)).pictures["cub/7"]
    assert [visit.step for visit in visits] == list(range(1, 11))
    assert (visits[0].score, visits[-1].score) == (0.5, 1.0)
    assert visits[0].has_text
    # Picture 7 came to step 7 under another class as well, without its words.
    assert (visits[6].score, visits[6].has_text) == (0.0, False)


def test_rollouts_that_do_not_name_their_picture_are_counted_by_class(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", steps=1)
    write_rows(folder / "rollouts/1.jsonl", [row(None, "S")])
    found = survey(open_run(folder))
    assert found.pictures == {}
    assert [course.name for course in found.classes] == ["robin"]


@pytest.mark.parametrize(("symbol", "score"), [("W", 0), ("unparseable", 0), ("A", 0.25), ("S", 1), ("S+", 1)])
def test_points_are_those_of_the_method(symbol: str, score: float) -> None:
    assert points(symbol) == score
