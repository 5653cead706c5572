"""verl's agent-loop worker in this process: real processors, loops, positions and fields; a fake engine, and a fake
TransferQueue that keeps what is put into it."""

import asyncio
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image, ImageFilter
from transformers import (
    AutoConfig,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from recipes.quickstart.policy import build_tokenizer
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY
from tests.config.test_run_checks import CPU

TRUTH = "Black footed Albatross"
PROMPT_TOKENS = 4096

_PROCESSORS: Mapping[str, tuple[type[Any], type[Any], int]] = {
    "qwen2_vl": (Qwen2VLProcessor, Qwen2VLVideoProcessor, 14),
    "qwen2_5_vl": (Qwen2_5_VLProcessor, Qwen2VLVideoProcessor, 14),
    "qwen3_vl": (Qwen3VLProcessor, Qwen3VLVideoProcessor, 16),
}
FAMILIES = tuple(_PROCESSORS)


def save_processor(family: str, folder: Path) -> None:
    """A folder that verl's workers can start from: configuration, tokenizer and processor, no weights."""
    processor_class, video_class, patch_size = _PROCESSORS[family]
    tokenizer = build_tokenizer()
    processor_class(
        image_processor=Qwen2VLImageProcessor(patch_size=patch_size),
        tokenizer=tokenizer,
        video_processor=video_class(patch_size=patch_size),
        chat_template=tokenizer.chat_template,
    ).save_pretrained(folder)
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in ("image_pad", "video_pad", "vision_start")}
    AutoConfig.for_model(
        family,
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        architectures=["Stands for no weights"],
    ).save_pretrained(folder)


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Coarse colours under fine noise: no two pixels' neighbourhoods are alike."""
    chance = random.Random(seed)
    coarse = Image.frombytes("RGB", (16, 12), chance.randbytes(16 * 12 * 3)).resize((width, height))
    fine = Image.frombytes("RGB", (width, height), chance.randbytes(width * height * 3))
    return Image.blend(coarse, fine.filter(ImageFilter.GaussianBlur(1)), 0.35)


class FakeEngine:
    """verl's client of the rollout engine: answers with the given texts in turn, or raises the given exception."""

    def __init__(self, *texts: str | Exception, tokenizer: Any = None) -> None:
        self.texts = texts
        self.tokenizer = tokenizer
        self.requests: list[dict[str, Any]] = []

    async def generate(self, **request: Any) -> Any:
        from verl.workers.rollout.replica import TokenOutput

        text = self.texts[len(self.requests) % len(self.texts)]
        self.requests.append(request)
        await asyncio.sleep(0)
        if isinstance(text, Exception):
            raise type(text)(*text.args)
        ids = self.tokenizer.encode(text)
        return TokenOutput(token_ids=ids, log_probs=[-0.1] * len(ids))


@dataclass
class FakeQueue:
    """TransferQueue's client: what was put, by partition and key, and the keys of each message of rollouts."""

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    messages: list[list[str]] = field(default_factory=list)

    async def kv_put(self, key: str, partition_id: str, tag: Any) -> None:
        self.tags[f"{partition_id}/{key}"] = tag

    async def kv_batch_put(self, keys: list[str], fields: Any, tags: list[Any], partition_id: str) -> None:
        self.messages.append(keys)
        for key, row, tag in zip(keys, fields, tags, strict=True):
            plain = {name: value if isinstance(value, torch.Tensor) else value.data for name, value in row.items()}
            self.fields[f"{partition_id}/{key}"] = plain
            self.tags[f"{partition_id}/{key}"] = tag


@contextmanager
def transfer_queue(queue: Any) -> Iterator[None]:
    """`queue` in the place of TransferQueue."""
    import transfer_queue as real

    with (
        patch.object(real, "init"),
        patch.object(real, "async_kv_put", queue.kv_put),
        patch.object(real, "async_kv_batch_put", queue.kv_batch_put),
    ):
        yield


def run_configuration(model: Path, *overrides: str) -> DictConfig:
    """The preset on the CPU with room for real pictures."""
    config = deepcopy(_composed(*overrides))
    config.actor_rollout_ref.model.path = str(model)
    OmegaConf.resolve(config)
    return config


@cache
def _composed(*overrides: str) -> DictConfig:
    return compose_config([*CPU, f"data.max_prompt_length={PROMPT_TOKENS}", *overrides])


def build_worker(config: DictConfig, engine: Any, *, stock: bool = False) -> Any:
    """verl's own worker, or the one that our manager puts in its place. Call it within `transfer_queue`."""
    from verl.trainer.ppo.v1.agent_loop_tq import AgentLoopWorkerTQ

    from speciarl_verl.plugin.agent_loop_worker import SpeciaRLAgentLoopWorker

    worker_class: Any = AgentLoopWorkerTQ.__ray_actor_class__ if stock else SpeciaRLAgentLoopWorker
    worker = worker_class(config, engine, None, None)
    engine.tokenizer = worker.tokenizer
    return worker


async def run_group(
    worker: Any, image: Image.Image, rollouts: int, *, uid: str = "u", validate: bool = False, **sample: Any
) -> None:
    """One prompt's rollouts, from the row to TransferQueue."""
    content = [{"type": "image", "image": image}, {"type": "text", "text": "What is this?"}]
    prompt = {
        "raw_prompt": [{"role": "user", "content": content}],
        "reward_model": {"style": "judge", "ground_truth": TRUTH},
        "data_source": "cub",
        "ability": "classification",
        "extra_info": {"split": "train", "index": 0, "file_name": "1.jpg", "label_id": 0, "content_hash": "0"},
        "dummy_tensor": torch.tensor([0], dtype=torch.uint8),
        "tools_kwargs": {},
        "interaction_kwargs": {},
        "agent_name": worker.config.actor_rollout_ref.rollout.agent.default_agent_loop,
        "uid": uid,
        "index": 0,
        "global_steps": 1,
        "__rollout_n__": rollouts,
        VALIDATE_KEY: validate,
        GROUP_SIZE_KEY: rollouts,
        **sample,
    }
    trajectory = {"step": 1, "sample_index": 0, "rollout_n": 0, "validate": validate}
    await worker._run_prompt(prompt, {}, trajectory)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two nested values differ; tensors and pictures bit for bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same = one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
        return [] if same else [path]
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if list(one) != list(other):
            return [f"{path}: {list(one)} {list(other)}"]
        return [line for key in one for line in differences(one[key], other[key], f"{path}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line for i, pair in enumerate(zip(one, other, strict=True)) for line in differences(*pair, f"{path}/{i}")
        ]
    return [] if type(one) is type(other) and one == other else [path]
