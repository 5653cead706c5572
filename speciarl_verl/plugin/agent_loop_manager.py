"""Dispatches prompts as verl does, and tells every rollout the size of its group and whether it validates.

verl hook: `actor_rollout_ref.rollout.agent.agent_loop_manager_class`, created in the trainer's process with the whole
configuration, after everything else has started and before the first step: where a run is checked from inside, and
where the address of a judge hosted by verl becomes known.
"""

import logging
from collections.abc import Sequence
from typing import Any

import ray
from omegaconf import DictConfig
from tensordict import TensorDict
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopManagerTQ
from verl.utils import tensordict_utils as tu
from verl.utils.ray_utils import auto_await

from speciarl_verl.config.run_checks import check_run
from speciarl_verl.judge.build import check_judge
from speciarl_verl.judge.judge_config import HostedJudgeConfig
from speciarl_verl.plugin.agent_loop_worker import SpeciaRLAgentLoopWorker
from speciarl_verl.plugin.locate_judge import check_hosted, locate, with_judge
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY
from speciarl_verl.rollout.rule import try_rule

logger = logging.getLogger(__name__)


class SpeciaRLAgentLoopManager(AgentLoopManagerTQ):
    """verl's manager for TransferQueue, with two fields added to each batch and workers that prepare a picture once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agent_loop_workers_class = ray.remote(SpeciaRLAgentLoopWorker)

    @classmethod
    @auto_await  # type: ignore[untyped-decorator]
    async def create(
        cls,
        config: DictConfig,
        llm_client: Any,
        teacher_client: Any = None,
        reward_loop_worker_handles: Sequence[Any] | None = None,
    ) -> "SpeciaRLAgentLoopManager":
        """See `AgentLoopManager.create`. The judge has answered once when this returns.

        Raises:
            ConfigError: the configuration cannot work.
            JudgeError: the judge does not answer.
            RuleError: the reward rule gives nothing that could be trained on.
        """
        speciarl = check_run(config)
        try_rule(speciarl.reward, config.actor_rollout_ref.rollout.n)
        judge = speciarl.judge
        if isinstance(judge, HostedJudgeConfig):
            judge = await locate(judge, reward_loop_worker_handles or ())
            config = with_judge(config, judge)
            logger.info("verl hosts the judge at %s", judge.url)
            await check_hosted(judge)
        else:
            await check_judge(judge)
        return await super().create(config, llm_client, teacher_client, reward_loop_worker_handles)

    def generate_sequences(self, prompts: TensorDict) -> None:
        """See `AgentLoopManagerTQ.generate_sequences`; `prompts` has shape (prompts,)."""
        validate = "validate" in prompts
        group_size = self.rollout_config.val_kwargs.n if validate else self.rollout_config.n
        tu.assign_non_tensor_data(prompts, VALIDATE_KEY, validate)
        tu.assign_non_tensor_data(prompts, GROUP_SIZE_KEY, group_size)
        super().generate_sequences(prompts)
