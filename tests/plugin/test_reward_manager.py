"""verl's own path: reward workers call the manager, one rollout a call."""

import asyncio
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from tensordict import TensorDict
from verl import DataProto

from speciarl_verl.errors import ConfigError
from speciarl_verl.plugin.reward_manager import SpeciaRLRewardManager
from speciarl_verl.preflight.compose import compose_config
from speciarl_verl.rollout.row import GROUP_SIZE_KEY, VALIDATE_KEY
from tests.config.test_run_checks import CPU

STOCK_LOOP = "actor_rollout_ref.rollout.agent.default_agent_loop=single_turn_agent"
TRUTH = "Black footed Albatross"


class WordTokenizer:
    """Token i is the i-th word of its text."""

    def __init__(self, texts: list[str]) -> None:
        self.words = sorted({word for text in texts for word in text.split(" ")})

    def encode(self, text: str) -> list[int]:
        return [self.words.index(word) for word in text.split(" ")]

    def decode(self, ids: Any, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        return " ".join(self.words[int(i)] for i in ids)


def sample(tokenizer: WordTokenizer, text: str, session_id: int, size: int, validate: bool) -> DataProto:
    ids = tokenizer.encode(text)
    padded = torch.tensor([[*ids, 0, 0]])
    mask = torch.tensor([[1, 1, *[1] * len(ids), 0, 0]])  # two prompt tokens, the response, padding
    fields = {
        "uid": "u",
        "session_id": session_id,
        "reward_model": {"ground_truth": TRUTH},
        GROUP_SIZE_KEY: size,
        VALIDATE_KEY: validate,
    }
    batch = TensorDict({"responses": padded, "attention_mask": mask}, batch_size=1)
    return DataProto(batch=batch, non_tensor_batch={k: np.array([v], dtype=object) for k, v in fields.items()})


@pytest.fixture(autouse=True)
def _without_transfer_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    import transfer_queue

    async def put(**_entry: Any) -> None: ...

    monkeypatch.setattr(transfer_queue, "async_kv_put", put)


@pytest.mark.parametrize(
    ("validate", "rewards"),
    [pytest.param(False, [0.0, 1.0, -1.0], id="group"), pytest.param(True, [0.5, 1.0, 0.0], id="validation")],
)
async def test_manager_rewards_siblings_that_come_one_a_call(validate: bool, rewards: list[float]) -> None:
    config = compose_config([*CPU, STOCK_LOOP, "reward.num_workers=1"])
    OmegaConf.resolve(config)
    texts = ["<answer>bird</answer>", f"<answer>{TRUTH}</answer>", "<answer> ? </answer>"]
    tokenizer = WordTokenizer(texts)
    manager = SpeciaRLRewardManager(config, tokenizer, compute_score=None)
    calls = [manager.run_single(sample(tokenizer, text, i, 3, validate)) for i, text in enumerate(texts)]
    results = await asyncio.wait_for(asyncio.gather(*calls), 30)
    assert [result["reward_score"] for result in results] == rewards
    assert len({tuple(result["reward_extra_info"]) for result in results}) == 1


def test_manager_refuses_to_start_where_siblings_would_not_meet() -> None:
    with pytest.raises(ConfigError, match=r"reward\.num_workers=2"):
        SpeciaRLRewardManager(compose_config([*CPU, STOCK_LOOP, "reward.num_workers=2"]), None, None)
