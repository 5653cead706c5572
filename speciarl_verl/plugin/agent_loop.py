"""The agent loop `speciarl`: one rollout of one image, rewarded where it was generated.

verl hook: `verl.experimental.agent_loop.AgentLoopBase.run`, one fresh object a rollout; the N rollouts of one `uid` run
as tasks of one worker process, and their meeting place is that process's scorer. They also share the preparation of
their picture, where the worker (agent_loop_worker.py) has opened one.
Config keys: `actor_rollout_ref.rollout.agent.default_agent_loop=speciarl`, `speciarl.*`.
Needs `SpeciaRLAgentLoopManager` (agent_loop_manager.py), which tells each rollout the size of its group.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from verl.experimental.agent_loop.agent_loop import AgentLoopOutput, register
from verl.experimental.agent_loop.single_turn_agent_loop import SingleTurnAgentLoop

from speciarl_verl.errors import StopRunError
from speciarl_verl.plugin.process_scorer import process_scorer
from speciarl_verl.plugin.trainer_mail import announce_failure
from speciarl_verl.rollout.row import read_ground_truth, read_origin, read_placement
from speciarl_verl.rollout.scorer import Rollout, ScoredRollout
from speciarl_verl.rollout.siblings import current_siblings
from speciarl_verl.rollout.trace import TRACE_KEY, trace

Score = Callable[[Rollout], Awaitable[ScoredRollout]]


AGENT_NAME = "speciarl"


@register(AGENT_NAME)
class SpeciaRLAgentLoop(SingleTurnAgentLoop):
    """Generate, judge, meet the siblings, return with the reward set: verl then asks no reward worker."""

    async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> AgentLoopOutput:
        """See `AgentLoopBase.run`; the output's `reward_score` and `extra_fields["reward_extra_info"]` are set.

        Raises:
            StopRunError: the judge gave no verdict, or the rule no rewards; the trainer has been told to stop.
            GroupError: a sibling failed or never came.
        """
        try:
            return await self._rewarded_rollout(sampling_params, kwargs)
        except StopRunError as error:
            # Where the scorer itself could not be made there is no account.
            with suppress(StopRunError):
                await process_scorer(self.config).account.publish()
            await announce_failure(error)
            raise

    async def process_multi_modal_info(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """See `AgentLoopBase.process_multi_modal_info`; the siblings get the very same pictures."""
        siblings, decode = current_siblings(), super().process_multi_modal_info
        if siblings is None:
            return await decode(messages)
        media = await siblings.once(messages, lambda: decode(messages))
        return {kind: list(parts) for kind, parts in media.items()}

    async def ct_build_initial_tokens(
        self,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]] | None = None,
        images: list[Any] | None = None,
        videos: list[Any] | None = None,
        audios: list[Any] | None = None,
        mm_inputs_out: dict[str, Any] | None = None,
    ) -> list[int]:
        """See `AgentLoopBase.ct_build_initial_tokens`; the features are kept for the training inputs as well."""
        siblings, build = current_siblings(), super().ct_build_initial_tokens
        if siblings is None or not images or tools or videos or audios:
            return await build(messages, tools, images, videos, audios, mm_inputs_out)

        async def prepare() -> tuple[list[int], dict[str, Any]]:
            features: dict[str, Any] = {}
            prompt_ids = await build(messages, images=images, mm_inputs_out=features)
            siblings.keep_features(images, features)
            return prompt_ids, features

        prompt_ids, features = await siblings.once([*messages, *images], prepare)
        if mm_inputs_out is not None:
            mm_inputs_out.update(features)
        return list(prompt_ids)

    async def _rewarded_rollout(self, sampling_params: dict[str, Any], sample: dict[str, Any]) -> AgentLoopOutput:
        scorer = process_scorer(self.config).scorer
        placement = read_placement(sample)
        if placement.validate:
            output = await super().run(sampling_params, **sample)
            return await self._rewarded(output, sample, scorer.score_alone)
        async with scorer.meeting.seat(placement.uid, placement.session_id, placement.group_size) as seat:
            output = await super().run(sampling_params, **sample)
            return await self._rewarded(output, sample, lambda rollout: scorer.score_in_group(rollout, seat))

    async def _rewarded(self, output: AgentLoopOutput, sample: dict[str, Any], score: Score) -> AgentLoopOutput:
        rollout = Rollout(
            text=self.tokenizer.decode(output.response_ids, skip_special_tokens=True),
            ground_truth=read_ground_truth(sample),
            response_tokens=len(output.response_ids),
            max_response_tokens=self.response_length,
            origin=read_origin(sample),
        )
        generated_at, started = time.time(), time.perf_counter()
        scored = await score(rollout)
        await process_scorer(self.config).account.publish()
        output.reward_score = scored.reward
        output.extra_fields["reward_extra_info"] = scored.extra_info()
        output.extra_fields[TRACE_KEY] = trace(rollout.text, generated_at, scored.verdict_s)
        output.metrics.compute_score = time.perf_counter() - started
        return output
