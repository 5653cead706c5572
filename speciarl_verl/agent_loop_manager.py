"""Dispatches prompts as verl does, and tells every rollout the size of its group and whether it validates.

verl hook: `actor_rollout_ref.rollout.agent.agent_loop_manager_class`, built in the trainer's process with the whole
configuration: the first place inside a run where that can be checked.
"""

from typing import Any

from tensordict import TensorDict
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
from verl.utils import tensordict_utils as tu

from speciarl_verl.config.checks import check_run
from speciarl_verl.reward.placement import GROUP_SIZE_KEY, VALIDATE_KEY


class SpeciaRLAgentLoopManager(AgentLoopManagerTQ):
    """verl's manager for TransferQueue, with two fields added to each batch."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        check_run(config)
        super().__init__(config, *args, **kwargs)

    def generate_sequences(self, prompts: TensorDict) -> None:
        """See `AgentLoopManagerTQ.generate_sequences`; `prompts` has shape (prompts,)."""
        validate = "validate" in prompts
        group_size = self.rollout_config.val_kwargs.n if validate else self.rollout_config.n
        tu.assign_non_tensor_data(prompts, VALIDATE_KEY, validate)
        tu.assign_non_tensor_data(prompts, GROUP_SIZE_KEY, group_size)
        super().generate_sequences(prompts)
