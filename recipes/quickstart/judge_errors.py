"""What a learned judge's errors cost a training: its verdicts and rewards beside what the taxonomy would have given.

A group's rewards depend on all of its verdicts, so that one error may change several.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from speciarl_verl.config.schema import RewardConfig
from speciarl_verl.errors import InputError
from speciarl_verl.files import json_lines, read_text
from speciarl_verl.judge.build import build_judge
from speciarl_verl.judge.judge_config import TaxonomyJudgeConfig
from speciarl_verl.judge.many import judge_pairs
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.response import AnswerConfig
from speciarl_verl.method.category import Category
from speciarl_verl.method.facts import Group
from speciarl_verl.rollout.rule import Rule, load_rule
from speciarl_verl.rollout.scorer import UNPARSEABLE

_PRESETS = Path(__file__).parents[2] / "speciarl_verl/config/speciarl/reward"
Rollout = Mapping[str, Any]


@dataclass(frozen=True)
class JudgeErrors:
    """Of the rollouts of a training.

    Attributes:
        judged: rollouts that had an answer, and `wrong_verdicts` those whose verdict is not the taxonomy's.
        confused: of these, how many by the taxonomy's category and the judge's, such as `W>S`.
        rewarded: all rollouts, and `wrong_rewards` those that the taxonomy would have rewarded otherwise.
    """

    judged: int
    wrong_verdicts: int
    confused: Mapping[str, int]
    rewarded: int
    wrong_rewards: int


def count_errors(rollouts: Path, taxonomy: Path, reward: str) -> JudgeErrors:
    """Judge the rollouts of a training again, by the taxonomy, and reward their groups again.

    Args:
        rollouts: the folder that a training writes, one JSONL a step.
        reward: the preset that was trained with.

    Raises:
        InputError: there are no rollouts, or a file is none of ours.
        JudgeError: the taxonomy is of another world.
    """
    groups = [group for file in sorted(rollouts.glob("*.jsonl")) for group in _groups(file)]
    if not groups:
        raise InputError(f"{rollouts}: holds no rollouts: is this the folder of a training?")
    answered = [one for group in groups for one in group if one["verdict"] != UNPARSEABLE]
    pairs = list(dict.fromkeys(_pair(one) for one in answered))
    judge = build_judge(TaxonomyJudgeConfig(taxonomy=str(taxonomy)), answer=AnswerConfig())
    truly = dict(zip(pairs, [verdict.category for verdict in judge_pairs(pairs, judge)], strict=True))
    rule = load_rule(RewardConfig.model_validate(yaml.safe_load(read_text(_PRESETS / f"{reward}.yaml"))))
    confused: dict[str, int] = {}
    for one in answered:
        true, said = truly[_pair(one)].symbol, one["verdict"]
        if true != said:
            confused[f"{true}>{said}"] = confused.get(f"{true}>{said}", 0) + 1
    return JudgeErrors(
        judged=len(answered),
        wrong_verdicts=sum(confused.values()),
        confused=dict(sorted(confused.items(), key=lambda item: -item[1])),
        rewarded=sum(map(len, groups)),
        wrong_rewards=sum(_wrong_rewards(group, truly, rule) for group in groups),
    )


def _groups(file: Path) -> list[list[Rollout]]:
    groups: dict[str, list[Rollout]] = {}
    for number, record in json_lines(read_text(file), file):
        if not {"uid", "verdict", "answer", "ground_truth", "group_reward"} <= record.keys():
            raise InputError(f"{file}:{number}: no judged rollout of this version")
        groups.setdefault(record["uid"], []).append(record)
    return list(groups.values())


def _pair(rollout: Rollout) -> Pair:
    return Pair(rollout["answer"], rollout["ground_truth"])


def _wrong_rewards(group: Sequence[Rollout], truly: Mapping[Pair, Category], rule: Rule) -> int:
    categories = tuple(None if one["verdict"] == UNPARSEABLE else truly[_pair(one)] for one in group)
    outcome = rule(
        Group(
            ground_truth=group[0]["ground_truth"],
            categories=categories,
            answers=tuple(one["answer"] or None for one in group),
            response_tokens=(1,) * len(group),
            max_response_tokens=1,
        )
    )
    return sum(one["group_reward"] != reward for one, reward in zip(group, outcome.rewards, strict=True))
