"""The agent loop `speciarl`: one rollout of one image, rewarded where it was generated.

verl hook: `verl.experimental.agent_loop.AgentLoopBase.run`, one fresh object a rollout; the N rollouts of one `uid` run
as tasks of one worker process, and their meeting place is that process's scorer.
Config keys: `actor_rollout_ref.rollout.agent.default_agent_loop=speciarl`, `speciarl.*`.
Needs `SpeciaRLAgentLoopManager` (agent_loop_manager.py), which tells each rollout the size of its group.
"""

import time
from typing import Any

from omegaconf import OmegaConf
from verl.experimental.agent_loop.agent_loop import AgentLoopOutput, register
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop

from speciarl_verl.judge.protocol import JudgeError
from speciarl_verl.reward.placement import read_ground_truth, read_placement
from speciarl_verl.reward.scorer import GroupScorer, Rollout, ScoredRollout, process_scorer
from speciarl_verl.stop_run import announce_judge_failure


@register("speciarl")
class SpeciaRLAgentLoop(SingleTurnAgentLoop):  # type: ignore[misc]
    """Generate, judge, meet the siblings, return with the reward set: verl then asks no reward worker."""

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> AgentLoopOutput:
        """See `AgentLoopBase.run`; the output's `reward_score` and `extra_fields["reward_extra_info"]` are set.

        Raises:
            JudgeError: the judge gave no verdict; the trainer has been told to stop.
            GroupError: a sibling failed or never came.
        """
        scorer = _scorer(self.config)
        placement = read_placement(kwargs)
        if placement.validate:
            output = await super().run(sampling_params, **kwargs)
            return await self._rewarded(output, kwargs, scorer.score_alone)
        async with scorer.meeting.seat(placement.uid, placement.session_id, placement.group_size) as seat:
            output = await super().run(sampling_params, **kwargs)
            return await self._rewarded(output, kwargs, lambda rollout: scorer.score_in_group(rollout, seat))

    async def _rewarded(self, output: AgentLoopOutput, sample: dict[str, Any], score: Any) -> AgentLoopOutput:
        rollout = Rollout(
            text=self.tokenizer.decode(output.response_ids, skip_special_tokens=True),
            ground_truth=read_ground_truth(sample),
            response_tokens=len(output.response_ids),
            max_response_tokens=self.response_length,
        )
        started = time.perf_counter()
        try:
            scored: ScoredRollout = await score(rollout)
        except JudgeError as error:
            await announce_judge_failure(error)
            raise
        output.reward_score = scored.reward
        output.extra_fields["reward_extra_info"] = scored.extra_info()
        output.metrics.compute_score = time.perf_counter() - started
        return output


def _scorer(config: Any) -> GroupScorer:
    return process_scorer(OmegaConf.to_container(config.speciarl, resolve=True))
