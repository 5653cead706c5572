"""What the rival of the whole-step benchmark loads: a constant reward, and verl's buffer with our interval."""

from collections.abc import Mapping
from typing import Any

from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer


def constant(**_rollout: Any) -> float:
    """The cheapest reward there is."""
    return 1.0


class StockBuffer(ReplayBuffer):
    """verl's own polls every 2 s, which nothing in the configuration changes: both sides are to wait alike."""

    def __init__(self, sampler_kwargs: Mapping[str, Any], **kwargs: Any) -> None:
        size = sampler_kwargs["train_batch_size"]
        super().__init__(
            sampler_kwargs=sampler_kwargs,
            poll_interval=sampler_kwargs["poll_interval_s"],
            train_batch_size=size,
            gen_batch_size=size,
            **kwargs,
        )
