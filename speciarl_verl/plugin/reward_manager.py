"""The reward manager `speciarl`: the same reward for agent loops that leave scoring to verl's reward workers.

verl hook: `RewardManagerBase.run_single`, one rollout a call, in a Ray actor of its own.
Config keys: `reward.reward_manager.{source=register,name=speciarl}`, `reward.num_workers=1`, `speciarl.*`.
verl picks a reward worker at random for each rollout, so siblings meet only when there is one; and Ray runs at most
1000 calls of one actor at a time, so a step with more rollouts in flight could park siblings for good. Both are refused
(config/run_checks.py). The agent loop `speciarl` has neither limit.
"""

from typing import Any

from verl import DataProto
from verl.experimental.reward_loop.reward_manager import register
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

from speciarl_verl.config.run_checks import check_reward_workers
from speciarl_verl.errors import StopRunError
from speciarl_verl.plugin.process_scorer import process_scorer
from speciarl_verl.plugin.trainer_mail import announce_failure
from speciarl_verl.rollout.row import read_ground_truth, read_origin, read_placement
from speciarl_verl.rollout.scorer import GroupScorer, Rollout, ScoredRollout


@register("speciarl")
class SpeciaRLRewardManager(RewardManagerBase):
    """Judges one rollout, waits for its siblings, returns its reward."""

    def __init__(
        self,
        config: Any,
        tokenizer: Any,
        compute_score: Any,
        reward_router_address: str | None = None,
        reward_model_tokenizer: Any = None,
    ) -> None:
        super().__init__(config, tokenizer, compute_score)
        check_reward_workers(config)

    async def run_single(self, data: DataProto) -> dict[str, Any]:
        """`data` holds one rollout; see `RewardManagerBase`."""
        try:
            process = process_scorer(self.config)
            try:
                scored = await self._score(data[-1], process.scorer)
            finally:
                await process.account.publish()
        except StopRunError as error:
            await announce_failure(error)
            raise
        return {"reward_score": scored.reward, "reward_extra_info": scored.extra_info()}

    async def _score(self, item: Any, scorer: GroupScorer) -> ScoredRollout:
        rollout = self._rollout(item)
        placement = read_placement(item.non_tensor_batch)
        if placement.validate:
            return await scorer.score_alone(rollout)
        async with scorer.meeting.seat(placement.uid, placement.session_id, placement.group_size) as seat:
            return await scorer.score_in_group(rollout, seat)

    def _rollout(self, item: Any) -> Rollout:
        responses = item.batch["responses"]
        tokens = int(item.batch["attention_mask"][-responses.shape[-1] :].sum())
        return Rollout(
            text=self.tokenizer.decode(responses[:tokens], skip_special_tokens=True),
            ground_truth=read_ground_truth(item.non_tensor_batch),
            response_tokens=tokens,
            max_response_tokens=self.config.actor_rollout_ref.rollout.response_length,
            origin=read_origin(item.non_tensor_batch),
        )
