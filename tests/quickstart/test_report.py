import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recipes.quickstart.course import Step, read_steps
from recipes.quickstart.report import main, table
from speciarl_verl.errors import InputError
from speciarl_verl.evaluation.records import Judged, Prediction, SampleKey
from speciarl_verl.evaluation.store import verdicts_journal
from speciarl_verl.method.category import Category
from speciarl_verl.method.metrics import compute_metrics

VISIBILITIES = ("clear", "hidden", "blurred")


def figures(*categories: Category) -> dict[str, Any]:
    return compute_metrics(categories).as_json() | {"unparseable": 0}


def evaluation(category: Category) -> dict[str, Any]:
    return figures(*[category] * 3) | {"by_visibility": {name: figures(category) for name in VISIBILITIES}}


def write_run(folder: Path, category: Category) -> Path:
    """What `speciarl evaluate` leaves of one picture of each visibility."""
    folder.mkdir()
    journal = verdicts_journal(folder)
    for name in VISIBILITIES:
        key = SampleKey("cub", f"images/{name}.png", 0)
        journal.append([Judged(Prediction(key, "Duck", "<answer>duck</answer>"), "duck", category)])
    return folder


BEFORE = evaluation(Category.GENERIC)
AFTER = evaluation(Category.SPECIFIC)


VALIDATION = json.dumps({"step": 0, "data": {"val-core/x": 1.0}}) + "\n"


def line(step: int, reward: float, **shares: float) -> str:
    data = {"critic/score/mean": reward} | {f"training/speciarl/share/{name}": share for name, share in shares.items()}
    return json.dumps({"step": step, "data": data}) + "\n"


def test_steps_of_a_resumed_run_are_merged_and_the_later_log_wins(tmp_path: Path) -> None:
    (tmp_path / "20260101T000000Z.jsonl").write_text(
        json.dumps({"step": 0, "data": {"val-core/x": 1.0}})
        + "\n"
        + line(1, 0.1)
        + line(2, 0.2, G=1.0)
        + '{"step": 3, "da'
    )
    (tmp_path / "20260102T000000Z.jsonl").write_text(line(2, 0.25, G=0.5, W=0.5) + line(3, 0.3))
    assert read_steps(tmp_path) == [Step(1, 0.1, {}), Step(2, 0.25, {"G": 0.5, "W": 0.5}), Step(3, 0.3, {})]


def test_a_log_broken_in_the_middle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("{\n" + line(1, 0.1))
    with pytest.raises(InputError, match=r"log\.jsonl:1: not JSON"):
        read_steps(tmp_path / "log.jsonl")


def test_a_log_without_training_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(VALIDATION)
    with pytest.raises(InputError, match="no line holds critic/score/mean"):
        read_steps(tmp_path)


def test_table_is_aligned_and_names_every_visibility() -> None:
    rows = table(BEFORE, AFTER).splitlines()
    assert [row.split()[0] for row in rows[1:]] == ["all", "clear", "hidden", "blurred"]
    assert rows[1].split()[2:5] == ["0.500", "->", "1.000"]
    assert {row.index("->") for row in rows[1:]} == {rows[1].index("->")}


@pytest.mark.parametrize("shares", [{}, {"G": 0.7, "S": 0.2, "unparseable": 0.1}], ids=["reward-only", "with-shares"])
def test_report_holds_both_evaluations_and_the_course(tmp_path: Path, shares: dict[str, float]) -> None:
    (tmp_path / "CUB_200_2011").mkdir()
    (tmp_path / "CUB_200_2011" / "images.txt").write_text("".join(f"{name} {name}.png\n" for name in VISIBILITIES))
    visibility = tmp_path / "visibility.txt"
    visibility.write_text("".join(f"{name} {name}\n" for name in VISIBILITIES))
    before = write_run(tmp_path / "before", Category.GENERIC)
    after = write_run(tmp_path / "after", Category.SPECIFIC)
    log = tmp_path / "metrics.jsonl"
    log.write_text(line(1, 0.5, **shares) + line(2, 0.75, **shares))
    main(before, after, visibility, log, "dynamic", seed=7, steps=2, out=tmp_path / "out")

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["before"], report["after"]) == (BEFORE, AFTER)
    assert (report["reward"], report["seed"], report["steps"]) == ("dynamic", 7, 2)
    assert report["course"][1] == {"step": 2, "reward": 0.75, "shares": shares}
    with Image.open(tmp_path / "out" / "report.png") as picture:
        assert len(picture.convert("RGB").getcolors(picture.width * picture.height) or []) > 20, "not a blank"
    assert not list((tmp_path / "out").glob(".partial-*"))
