"""The process that runs the rollouts of whole groups: prepares a picture once a group, also for the training inputs,
keeps to itself what nobody reads behind it, and sends the group to TransferQueue in one piece.

verl hook: `AgentLoopManager.agent_loop_workers_class`, which `SpeciaRLAgentLoopManager` sets to this class.
Config key: `speciarl.share_preparation`.
verl alone prepares a picture twice a rollout: once for the prompt's tokens and once more, in the event loop, for what
is trained on. The agent loop (agent_loop.py) shares the first among the siblings and leaves its features here. And verl
gives the whole row to each rollout's training inputs, the opened picture with it, which the actor then fetches three
times a step. It puts each rollout into TransferQueue by itself, four round trips each, although the rewards of a group,
and so its rollouts, are there at the same time.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
import transfer_queue
from verl.experimental.agent_loop.agent_loop import DictConfigWrap, ToolListWrap
from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ
from verl.utils.rollout_trace import rollout_trace_attr
from verl.utils.tensordict_utils import list_of_dict_to_tensordict

from speciarl_verl.plugin.agent_loop import AGENT_NAME, SpeciaRLAgentLoop
from speciarl_verl.plugin.process_scorer import run_config
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY
from speciarl_verl.rollout.siblings import current_siblings, sharing

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

PIECE_BYTES = 64 * 2**20
"""Of features, where a message ends: large ones gain nothing together, and TransferQueue warns of 256 MiB."""

Entry = tuple[str, dict[str, Any], dict[str, Any]]
"""Key, row and tag of a rollout in TransferQueue."""


class SpeciaRLAgentLoopWorker(_Worker):
    """verl's worker, in which the siblings of a picture share its preparation."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._shares = run_config(config).share_preparation

    async def _run_prompt(
        self, prompt: dict[str, Any], sampling_params: dict[str, Any], trajectory: dict[str, Any], trace: bool = False
    ) -> None:
        if not self._shares or prompt["agent_name"] != AGENT_NAME:
            await super()._run_prompt(prompt, sampling_params, trajectory, trace)
            return
        with sharing(prompt[GROUP_SIZE_KEY]):
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
        """See `AgentLoopWorkerTQ._agent_loop_postprocess`; the last sibling puts the rollouts of all.

        Those of a validation do not meet: each travels alone, so that verl counts them although a sibling failed.
        """
        siblings = current_siblings()
        if siblings is None:
            await super()._agent_loop_postprocess(output, validate, **sample)
            return
        await self._compute_teacher_logprobs(
            output, output.prompt_ids, output.response_ids, validate=validate, sample_kwargs=sample
        )
        row = self._row(output, sample)
        entry = (f"{sample['uid']}_{sample['session_id']}_0", row, _tag(row))
        whole = [entry] if validate else siblings.collect(sample["session_id"], entry)
        for piece in _pieces(whole or []):
            keys, rows, tags = (list(column) for column in zip(*piece, strict=True))
            await transfer_queue.async_kv_batch_put(
                keys=keys,
                fields=list_of_dict_to_tensordict(rows),
                tags=tags,
                partition_id="val" if validate else "train",
            )

    def _row(self, output: Any, sample: dict[str, Any]) -> dict[str, Any]:
        """One rollout as it is trained on: tensors of shape (its tokens,), positions of shape (axes, its tokens)."""
        row = output.as_dict() | {name: value for name, value in sample.items() if name not in SPENT}
        row.pop("multi_modal_data", None)
        input_ids = torch.cat([row["prompts"], row["responses"]])
        inputs = self._compute_multi_modal_inputs(output, input_ids)
        positions = self._compute_position_ids(input_ids[None], torch.ones_like(input_ids)[None], inputs)
        return row | {
            "loss_mask": row["response_mask"],
            "input_ids": input_ids,
            "position_ids": positions[0],
            "multi_modal_inputs": inputs,
        }

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
        siblings = current_siblings()
        media = output.multi_modal_data or {}
        # What depends on the text is only ever the token types, which go into the positions and are made anew there.
        if siblings is None or set(media) != {"images"} or not hasattr(self.processor, "get_rope_index"):
            return None
        if output.mm_processor_kwargs not in (None, self._get_mm_processor_kwargs()):
            return None
        features = siblings.features_of(media["images"])
        if features is None or not {"pixel_values", "image_grid_thw"} <= set(features) <= _SHAREABLE:
            return None
        return dict(features)


def _pieces(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in messages of about `PIECE_BYTES`, each of at least one."""
    piece: list[Entry] = []
    filled = 0
    for entry in entries:
        tensors = [value for value in entry[1]["multi_modal_inputs"].values() if isinstance(value, torch.Tensor)]
        size = sum(tensor.nbytes for tensor in tensors)
        if piece and filled + size > PIECE_BYTES:
            yield piece
            piece, filled = [], 0
        piece.append(entry)
        filled += size
    if piece:
        yield piece


def _tag(row: dict[str, Any]) -> dict[str, Any]:
    """What verl's replay buffer and its balancing know of a rollout without fetching it."""
    prompt_tokens, response_tokens = len(row["prompts"]), len(row["responses"])
    versions = {name: row["extra_fields"].get(name) for name in ("min_global_steps", "max_global_steps")}
    return {
        "status": "success",
        "prompt_len": prompt_tokens,
        "response_len": response_tokens,
        "seq_len": prompt_tokens + response_tokens,
        "global_steps": row["global_steps"],
        **versions,
    }
