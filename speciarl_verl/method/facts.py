"""What a reward rule of the user's own is told: the facts of one group, in the order of its rollouts."""

from dataclasses import dataclass

from speciarl_verl.method.category import Category


@dataclass(frozen=True)
class Group:
    """The N rollouts of one image, all of them judged.

    >>> group = Group("robin", (Category.SPECIFIC, None), ("robin", None), (12, 40), max_response_tokens=64)
    >>> [0.0 if answer is None else 1 / len(answer.split()) for answer in group.answers]
    [1.0, 0.0]

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
