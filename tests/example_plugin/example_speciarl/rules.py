"""Reward rules: `speciarl.reward.rule=example_speciarl.rules:brief_and_dynamic`."""

import math

from speciarl_verl import Group, group_reward

PRICE_OF_A_WORD = 1 / 64


def brief_and_dynamic(group: Group) -> list[float]:
    """The paper's dynamic reward and a graded one, half and half, less a price for each word of the answer."""
    dynamic = group_reward(group.categories, "dynamic", format_reward=group.format_reward).rewards
    graded = group_reward(group.categories, "graded-2", format_reward=group.format_reward).rewards
    words = [0 if answer is None else len(answer.split()) for answer in group.answers]
    return [(d + g) / 2 - PRICE_OF_A_WORD * n for d, g, n in zip(dynamic, graded, words, strict=True)]


def broken_on_real_data(group: Group) -> list[float]:
    """What a mistake looks like that no trial finds: it ends the run."""
    made_up = group.ground_truth == "golden retriever"
    return [0.0 if made_up else math.nan for _ in group.categories]
