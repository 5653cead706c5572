"""The prompt of the evaluation against the one that verl's rollouts build. It needs torch and verl, no model."""

from pathlib import Path
from typing import Any

import pytest
from verl.utils.dataset import rl_dataset

from recipes.quickstart import policy
from speciarl_verl.evaluation.pictures import open_picture
from speciarl_verl.evaluation.predict.vllm_worker import _cpu_environment, _lora_rank, _placeholders, _prompt_ids
from tests.evaluation.small_set import png, write_set

# Qwen2.5-VL's own puts a system prompt before a conversation that has none.
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"


def processor(system: str) -> Any:
    made = policy.build_processor(policy.build_tokenizer())
    made.chat_template = made.tokenizer.chat_template = system.replace("\n", "{{ '\\n' }}") + made.chat_template
    return made


def verls_prompt(processor: Any, file: str, tmp_path: Path) -> list[int]:
    """As the agent loop and the vLLM server of verl make it of a row of our data set."""
    from omegaconf import OmegaConf
    from verl.utils.tokenizer.continuous_token_wiring import create_continuous_token_builder
    from verl.workers.rollout.utils import qwen2_5_vl_dedup_image_tokens

    from speciarl_verl.plugin.dataset import SpeciaRLDataset

    config = OmegaConf.create(
        {"cache_dir": str(tmp_path), "filter_overlong_prompts": False, "speciarl": {"prompt": "short"}}
    )
    dataset = SpeciaRLDataset(file, tokenizer=processor.tokenizer, config=config, processor=processor)
    messages = dataset[0]["raw_prompt"]
    images, _, _ = rl_dataset.RLHFDataset._process_multi_modal_info(messages, image_patch_size=14, config=config)
    assert images[0].tobytes() == open_picture(png(0, (100, 80)), 14).tobytes()
    builder = create_continuous_token_builder(processor.tokenizer, hf_model_type="qwen2_5_vl", processor=processor)
    ids = builder.build_initial_tokens(messages, images=images)
    return list(qwen2_5_vl_dedup_image_tokens(ids, processor))


@pytest.mark.parametrize("system", ["", SYSTEM], ids=["no system prompt", "Qwen's system prompt"])
def test_prompt_is_the_one_of_verls_rollouts(system: str, tmp_path: Path) -> None:
    from speciarl_verl.prompts import load_prompt

    made = processor(system)
    file = write_set(tmp_path / "a.parquet", ["Wren"], pictures=[png(0, (100, 80))])
    ours = _prompt_ids(made, load_prompt("short"))
    assert ours == verls_prompt(made, file, tmp_path)
    assert ours.count(made.image_token_id) == 1
    assert made.tokenizer.decode(ours).startswith(system + "<|im_start|>user\n<|vision_start|>")


def test_banned_tokens_are_those_that_verl_bans() -> None:
    from verl.workers.rollout.utils import get_vision_placeholder_token_ids

    made = processor("")
    ids = [made.tokenizer.convert_tokens_to_ids(name) for name in _placeholders(made)]
    assert ids == get_vision_placeholder_token_ids(made)
    assert len(ids) == 2


@pytest.mark.parametrize(("rank", "size"), [(1, 1), (4, 8), (16, 16), (64, 64), (100, 128)])
def test_lora_rank_is_one_that_vllm_has_kernels_for(rank: int, size: int) -> None:
    assert _lora_rank(rank) == size


def test_environment_on_a_cpu_is_the_profiles_less_what_verl_and_ray_read() -> None:
    given = _cpu_environment()
    assert given["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert given["TORCHDYNAMO_DISABLE"] == "1"
    assert all(isinstance(value, str) for value in given.values())
    # With VERL_PLATFORM=cpu the plugin would adapt vLLM for a policy whose weights change.
    assert not [name for name in given if name.startswith(("VERL", "RAY"))]
