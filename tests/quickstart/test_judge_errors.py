import json
from pathlib import Path

import pytest

from recipes.quickstart.judge_errors import JudgeErrors, count_errors
from recipes.quickstart.world import taxonomy
from speciarl_verl.errors import InputError

TRUTH = "Azure crowned Owl"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "rollouts").mkdir()
    (tmp_path / "taxonomy.json").write_text(json.dumps(taxonomy()))
    return tmp_path


def write(world: Path, step: int, *rollouts: tuple[str, str, float]) -> None:
    """One group: of each rollout the answer, the judge's verdict and the reward."""
    lines = [
        json.dumps({"uid": "a", "ground_truth": TRUTH, "answer": answer, "verdict": verdict, "group_reward": reward})
        for answer, verdict, reward in rollouts
    ]
    (world / "rollouts" / f"{step}.jsonl").write_text("\n".join(lines) + "\n")


def errors(world: Path) -> JudgeErrors:
    return count_errors(world / "rollouts", world / "taxonomy.json", "dynamic")


def test_a_judge_like_the_taxonomy_errs_nowhere(world: Path) -> None:
    write(world, 1, (TRUTH, "S", 1.0), ("Owl", "S-", 0.0), ("", "unparseable", -1.0))
    assert errors(world) == JudgeErrors(judged=2, wrong_verdicts=0, confused={}, rewarded=3, wrong_rewards=0)


def test_one_wrong_verdict_may_change_every_reward_of_its_group(world: Path) -> None:
    # A sibling called S raises the bar over those that say all that can be known.
    write(world, 1, ("Azure crowned Hawk", "S", 1.0), ("Owl", "S-", 0.0), ("Owl", "S-", 0.0))
    write(world, 2, ("Owl", "S-", 1.0), ("bird", "S-", 1.0))
    found = errors(world)
    assert (found.judged, found.wrong_verdicts, found.confused) == (5, 2, {"W>S": 1, "G>S-": 1})
    assert (found.rewarded, found.wrong_rewards) == (5, 4)


def test_a_rule_on_the_form_of_answers_is_no_error(world: Path) -> None:
    write(world, 1, ("Azure crowned Owl or Owl", "W", 0.0), ("Owl", "S-", 1.0))
    assert errors(world).wrong_verdicts == 0


def test_no_rollouts_and_others_are_refused(world: Path) -> None:
    with pytest.raises(InputError, match="holds no rollouts"):
        errors(world)
    (world / "rollouts" / "1.jsonl").write_text('{"uid": "a"}\n')
    with pytest.raises(InputError, match=r"1\.jsonl:1: no judged rollout"):
        errors(world)
