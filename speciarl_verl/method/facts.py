"""What a reward rule of the user's own is told: the facts of one group, in the order of its rollouts."""

from dataclasses import dataclass

from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class Group:
    """The N rollouts of one image, all of them judged.

    >>> group = Group("robin", (Category.SPECIFIC, None), ("robin", None), (16, 40), max_response_tokens=64)
    >>> earned = group_reward(group.categories, format_reward=group.format_reward).rewards
    >>> [reward - tokens / group.max_response_tokens for reward, tokens in zip(earned, group.response_tokens)]
    [0.75, -1.625]

    Attributes:
        ground_truth: the label of the image.
        categories: one a rollout; None for an unparseable response.
        answers: what was judged; None for an unparseable response.
        response_tokens: length of each response, at most `max_response_tokens`.
        format_reward: what the configuration gives to an unparseable response.
    """

    ground_truth: str
    categories: tuple[Category | None, ...]
    answers: tuple[str | None, ...]
    response_tokens: tuple[int, ...]
    max_response_tokens: int
    format_reward: float = -1.0
