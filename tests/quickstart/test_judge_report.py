import json
from pathlib import Path

import pytest

from recipes.quickstart.judge_report import main
from recipes.quickstart.world import taxonomy
from speciarl_verl.method.category import Category
from tests.quickstart.test_report import VISIBILITIES, write_run

ACCURACY = {"count": 97, "of": 100, "value": 0.97, "low": 0.91, "high": 0.99}
CONFUSION = {"categories": ["W", "S"], "expected_by_given": [[60, 3], [0, 37]]}


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """What the stages before have left."""
    data = tmp_path / "birds" / "CUB_200_2011"
    data.mkdir(parents=True)
    (data / "images.txt").write_text("".join(f"{n} {name}.png\n" for n, name in enumerate(VISIBILITIES)))
    (tmp_path / "birds" / "visibility.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(VISIBILITIES)))
    (tmp_path / "birds" / "taxonomy.json").write_text(json.dumps(taxonomy()))
    (tmp_path / "calibration").mkdir()
    calibration = {"accuracy": ACCURACY, "confusion": CONFUSION}
    (tmp_path / "calibration" / "calibration.json").write_text(json.dumps(calibration))
    for name in ("before", "before-by-judge"):
        write_run(tmp_path / name, Category.GENERIC)
    run = tmp_path / "run"
    (run / "train" / "rollouts").mkdir(parents=True)
    (run / "train" / "metrics").mkdir()
    audit = {"asked": 9, "audited": 40, "audit_failed": 0, "audit_agreement": 0.95, "audit_suspected": 0}
    (run / "train" / "metrics" / "1.judge.json").write_text(json.dumps(audit | {"audit_agreement_S": 0.9}))
    rollout = {"uid": "a", "ground_truth": "Ivory crowned Owl", "answer": "Hawk", "verdict": "S-", "group_reward": 1.0}
    (run / "train" / "rollouts" / "1.jsonl").write_text(json.dumps(rollout) + "\n")
    write_run(run / "after-3", Category.SPECIFIC)
    write_run(run / "after-3-by-judge", Category.MORE_SPECIFIC)
    return tmp_path


def test_report_tells_accuracy_figures_and_cost_side_by_side(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rival = write_run(world / "rival", Category.LESS_SPECIFIC)
    (rival / "report.json").touch()
    main(world, world / "run", world / "run" / "after-3", "dynamic", rival)
    told = capsys.readouterr().out
    assert "97.0% of 100 pairs that it never saw (95% interval 91.0% to 99.0%)" in told
    assert "W                   60     3" in told
    assert "after, by the taxonomy         1.000        1.000  1.000" in told
    assert "they agree on 95.0% (S 90.0%)" in told
    assert "1 of 1 verdicts (100.00%) are not the taxonomy's (taxonomy>judge: W>S- 1)" in told
    assert "has HM 0.857, this judge's 1.000: its errors cost -0.143" in told
    written = json.loads((world / "run" / "judge.json").read_text())
    assert written["trained_by_taxonomy"]["hm"] == pytest.approx(0.857, abs=1e-3)
    assert written["errors"]["wrong_rewards"] == 1
    assert written["audit"]["audited"] == 40


def test_a_missing_rival_is_named_with_its_command(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(
        world, world / "run", world / "run" / "after-3", "dynamic", world / "no", "bash recipes/quickstart.sh --seed 0"
    )
    assert "own run is missing (bash recipes/quickstart.sh --seed 0)" in capsys.readouterr().out
    assert json.loads((world / "run" / "judge.json").read_text())["trained_by_taxonomy"] is None
