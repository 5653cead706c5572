"""The process that runs the rollouts of whole groups: opens one preparation a group, reuses it for the training inputs,
and keeps to itself what nobody reads behind it.

verl hook: `AgentLoopManager.agent_loop_workers_class`, which `SpeciaRLAgentLoopManager` sets to this class.
Config key: `speciarl.share_preparation`.
verl alone prepares a picture twice a rollout: once for the prompt's tokens and once more, in the event loop, for what
is trained on. The agent loop (agent_loop.py) shares the first among the siblings and leaves its features here. And verl
gives the whole row to each rollout's training inputs, the opened picture with it, which the actor then fetches three
times a step.
"""

from typing import TYPE_CHECKING, Any

import torch
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, ToolListWrap
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ
from verl.utils.rollout_trace import rollout_trace_attr

from speciarl_verl.plugin.agent_loop import AGENT_NAME, SpeciaRLAgentLoop
from speciarl_verl.plugin.process_scorer import run_config
from speciarl_verl.rollout.preparation import current_preparation, shared_preparation
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY

if TYPE_CHECKING:
    _Worker = Any
else:
    # verl's name stands for Ray's actor, which cannot be derived from; the class behind it can.
    _Worker = AgentLoopWorkerTQ.__ray_actor_class__

_SHAREABLE = frozenset({"attention_mask", "mm_token_type_ids", "pixel_values", "image_grid_thw"})
"""All that a processor may give for its features to be the same with and without the response behind the prompt."""
SPENT = frozenset(
    {
        "raw_prompt",
        "ability",
        "dummy_tensor",
        "index",
        "interaction_kwargs",
        "tools_kwargs",
        GROUP_SIZE_KEY,
        VALIDATE_KEY,
    }
)
"""Of a row, what the rollout was made with and nobody asks for after it."""


class SpeciaRLAgentLoopWorker(_Worker):
    """verl's worker, in which the siblings of a picture share its preparation."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._shares = run_config(config).share_preparation

    async def _run_prompt(
        self, prompt: dict[str, Any], sampling_params: dict[str, Any], trajectory: dict[str, Any], trace: bool = False
    ) -> None:
        if not self._shares:
            await super()._run_prompt(prompt, sampling_params, trajectory, trace)
            return
        with shared_preparation():
            await super()._run_prompt(prompt, sampling_params, trajectory, trace)

    async def _run_agent_loop(
        self,
        sampling_params: dict[str, Any],
        trajectory: dict[str, Any],
        *,
        agent_name: str,
        trace: bool = True,
        **sample: Any,
    ) -> None:
        """See `AgentLoopWorker._run_agent_loop`, which has Hydra build the loop of every rollout: 3 to 4 ms of CPU."""
        if agent_name != AGENT_NAME:
            await super()._run_agent_loop(sampling_params, trajectory, agent_name=agent_name, trace=trace, **sample)
            return
        place = {name: trajectory[name] for name in ("step", "sample_index", "rollout_n", "validate")}
        with rollout_trace_attr(**place, name="agent_loop", trace=trace):
            output = await SpeciaRLAgentLoop(**self._loop_arguments()).run(sampling_params, **sample)
            await self._agent_loop_postprocess(output, trajectory["validate"], **sample)

    def _loop_arguments(self) -> dict[str, Any]:
        return {
            "trainer_config": DictConfigWrap(self.config),
            "server_manager": self.llm_client,
            "tokenizer": self.tokenizer,
            "processor": self.processor,
            "hf_model_type": self.hf_model_type,
            "dataset_cls": self.dataset_cls,
            "data_config": DictConfigWrap(self.config.data),
            "tools": ToolListWrap(self.tools),
        }

    async def _agent_loop_postprocess(self, output: Any, validate: bool, **sample: Any) -> None:
        """See `AgentLoopWorkerTQ._agent_loop_postprocess`; a reward worker that is still to come gets the whole row."""
        outputs = output if isinstance(output, list) else [output]
        if self._shares and all(one.reward_score is not None for one in outputs):
            sample = {name: value for name, value in sample.items() if name not in SPENT}
        await super()._agent_loop_postprocess(output, validate, **sample)

    def _compute_multi_modal_inputs(self, output: Any, input_ids: torch.Tensor) -> dict[str, Any]:
        """See `AgentLoopWorker._compute_multi_modal_inputs`; a dict of its own for each rollout, the tensors shared."""
        features = self._prepared_features(output)
        if features is None:
            stock: dict[str, Any] = super()._compute_multi_modal_inputs(output, input_ids)
            return stock
        inputs = {name: value for name, value in features.items() if name != "attention_mask"}
        grid = inputs["image_grid_thw"]
        inputs["images_seqlens"] = torch.repeat_interleave(grid[:, 1] * grid[:, 2], grid[:, 0])
        return inputs

    def _prepared_features(self, output: Any) -> dict[str, Any] | None:
        preparation = current_preparation()
        media = output.multi_modal_data or {}
        # What depends on the text is only ever the token types, which go into the positions and are made anew there.
        if preparation is None or set(media) != {"images"} or not hasattr(self.processor, "get_rope_index"):
            return None
        if output.mm_processor_kwargs not in (None, self._get_mm_processor_kwargs()):
            return None
        features = preparation.features_of(media["images"])
        if features is None or not {"pixel_values", "image_grid_thw"} <= set(features) <= _SHAREABLE:
            return None
        return dict(features)
