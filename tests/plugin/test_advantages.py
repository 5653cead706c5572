"""What verl makes of our rewards: advantages worked out by hand, and the groups that DAPO's filter drops."""

import asyncio
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from verl import DataProto

from speciarl_verl.config.run_checks import check_run
from speciarl_verl.config.schema import SpeciaRLConfig
from speciarl_verl.judge.protocol import Pair, Verdict
from speciarl_verl.method.category import Category
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.rollout.scorer import GroupScorer, Rollout, ScoredRollout
from tests.config.test_run_checks import CPU
from tests.plugin.test_replay_buffer import build

W, A, G, S_MINUS, S, S_PLUS = sorted(Category)
MOST_TOKENS = 32
Judged = tuple[Category | None, int]
"""A category (None: unparseable) and a length in tokens."""


class NamedCategory:
    """The prediction is the symbol of its own category."""

    async def judge(self, pair: Pair) -> Verdict:
        return Verdict(Category.from_label(pair.prediction), "test")  # type: ignore[arg-type]

    async def check(self) -> None: ...

    async def close(self) -> None: ...


async def scored(config: SpeciaRLConfig, group: Sequence[Judged]) -> list[ScoredRollout]:
    scorer = GroupScorer(config, NamedCategory())

    async def one(number: int, category: Category | None, tokens: int) -> ScoredRollout:
        text = "no tags" if category is None else f"<answer>{category.symbol}</answer>"
        async with scorer.meeting.seat("u", number, len(group)) as seat:
            return await scorer.score_in_group(Rollout(text, "golden retriever", tokens, MOST_TOKENS), seat)

    return await asyncio.gather(*(one(number, *judged) for number, judged in enumerate(group)))


async def advantages(overrides: Sequence[str], group: Sequence[Judged]) -> list[float]:
    """verl's advantage of each rollout, the same on all tokens of its response."""
    from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories

    config = compose_config([*CPU, *overrides])
    rollouts = await scored(check_run(config), group)
    lengths = [tokens for _, tokens in group]
    mask = torch.zeros(len(group), MOST_TOKENS)
    rewards = torch.zeros(len(group), MOST_TOKENS)
    for row, (rollout, tokens) in enumerate(zip(rollouts, lengths, strict=True)):
        mask[row, :tokens] = 1
        # verl puts the score on the last token of the response.
        rewards[row, tokens - 1] = rollout.reward
    data = DataProto.from_dict(
        {"token_level_rewards": rewards, "response_mask": mask},
        non_tensors={"uid": np.array(["u"] * len(group), dtype=object)},
    )
    result = compute_advantage_for_multi_trajectories(
        data,
        [f"u_{number}_0" for number in range(len(group))],
        config.algorithm.adv_estimator,
        norm_adv_by_std_in_grpo=config.algorithm.norm_adv_by_std_in_grpo,
        config=config.algorithm,
    ).batch["advantages"]
    assert torch.equal(result, result[:, :1] * mask)
    return [float(value) for value in result[:, 0]]


def same_length(*categories: Category | None) -> list[Judged]:
    return [(category, 8) for category in categories]


ROOT = math.sqrt(0.5)
BY_HAND = [
    # Rewards 1 0 0 0: mean 1/4, deviation 1/2.
    pytest.param("grpo", [], same_length(S, G, G, W), [1.5, -0.5, -0.5, -0.5], id="GRPO"),
    pytest.param("dapo", [], same_length(S, G, G, W), [1.5, -0.5, -0.5, -0.5], id="DAPO"),
    pytest.param("drgrpo", [], same_length(S, G, G, W), [0.75, -0.25, -0.25, -0.25], id="Dr.GRPO"),
    # Rewards 1 1 0 -1: mean 1/4, deviation sqrt(11/12).
    pytest.param(
        "grpo",
        [],
        same_length(S, S_PLUS, A, None),
        [0.75 / math.sqrt(11 / 12), 0.75 / math.sqrt(11 / 12), -0.25 / math.sqrt(11 / 12), -1.25 / math.sqrt(11 / 12)],
        id="GRPO with a format reward",
    ),
    pytest.param(
        "drgrpo", [], same_length(S, S_PLUS, A, None), [0.75, 0.75, -0.25, -1.25], id="Dr.GRPO with a format reward"
    ),
    # The buffer is 8 of 32 tokens: 28 tokens cost 1/2. Rewards 1/2 1: mean 3/4, deviation sqrt(1/8).
    pytest.param("dapo", [], [(S, 28), (S, 24)], [-ROOT, ROOT], id="DAPO with an overlong penalty"),
    pytest.param("grpo", [], [(S, 28), (S, 24)], [0.0, 0.0], id="GRPO has none"),
    # Rewards 1 -1/2 -1 -3/2: the penalty adds to the format reward. Mean -1/2, deviation sqrt(7/6).
    pytest.param(
        "dapo",
        [],
        [(G, 8), (W, 28), (None, 8), (None, 28)],
        [x / math.sqrt(7 / 6) for x in (1.5, 0, -0.5, -1)],
        id="DAPO with both",
    ),
    # Rewards 1 1/2 0: mean 1/2, deviation 1/2.
    pytest.param("grpo", ["speciarl.reward.reliability=0.5"], same_length(S, G, W), [1, 0, -1], id="reliability"),
    pytest.param(
        "drgrpo", ["speciarl.reward.reliability=0.5"], same_length(S, G, W), [0.5, 0, -0.5], id="reliability, Dr.GRPO"
    ),
    # The bar is G: rewards 1 1 0.
    pytest.param(
        "drgrpo", ["speciarl.reward.support=2"], same_length(S, G, W), [1 / 3, 1 / 3, -2 / 3], id="support, Dr.GRPO"
    ),
    pytest.param("grpo", ["speciarl/reward=floor"], same_length(G, S_MINUS, G), [0, 0, 0], id="a floor of no signal"),
    pytest.param("grpo", ["speciarl.reward.format_reward=-0.1"], same_length(*[None] * 3), [0, 0, 0], id="nobody"),
]


@pytest.mark.parametrize(("algo", "overrides", "group", "expected"), BY_HAND)
async def test_advantages_of_verl_are_those_worked_out_by_hand(
    algo: str, overrides: list[str], group: list[Judged], expected: list[float]
) -> None:
    found = await advantages([f"speciarl/algo={algo}", *overrides], group)
    assert found == pytest.approx(expected, abs=1e-5)
    if not any(expected):
        assert found == [0.0] * len(group)


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param([], id="dynamic"),
        pytest.param(["speciarl.reward.reliability=0.6666", "speciarl.reward.support=0.3"], id="generalised"),
        pytest.param(["speciarl/reward=floor", "speciarl.reward.format_reward=-0.1"], id="floor"),
        pytest.param(["speciarl/reward=graded-1"], id="graded-1"),
    ],
)
async def test_filter_of_dapo_drops_exactly_the_groups_without_signal(
    overrides: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import transfer_queue

    draw = random.Random(5)
    config = compose_config([*CPU, "speciarl/algo=dapo-dynamic", *overrides])
    speciarl = check_run(config)
    entries: dict[str, dict[str, Any]] = {}
    without_signal = set()
    for number in range(200):
        menu = draw.sample([None, *Category], draw.randint(1, 3))
        # Lengths differ: the overlong penalty alone must not keep a group.
        group = [(category, draw.randint(1, MOST_TOKENS)) for category in draw.choices(menu, k=draw.choice([3, 7, 10]))]
        rollouts = await scored(speciarl, group)
        rewards = {rollout.group_reward for rollout in rollouts}
        if len(rewards) == 1:
            without_signal.add(f"g{number}")
        for session_id, rollout in enumerate(rollouts):
            entries[f"g{number}_{session_id}_0"] = {"reward_extra_info": rollout.extra_info()}

    def get(keys: list[str], partition_id: str, select_fields: list[str]) -> dict[str, Any]:
        assert select_fields == ["extra_fields"]
        return {"extra_fields": [entries[key] for key in keys]}

    monkeypatch.setattr(transfer_queue, "kv_batch_get", get)
    groups = config.algorithm.filter_groups
    buffer = build(filter_groups={key: groups[key] for key in ("enable", "metric", "max_inflight_gen_batches")})
    buffer.partitions["train"] = dict.fromkeys(entries)
    buffer.finished_keys["train"] = {key.split("_")[0] for key in entries}
    dropped, _ = buffer._dapo_filtered_keys("train")
    assert dropped == without_signal
    assert 20 < len(dropped) < 180
