import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from recipes.quickstart.drawing import draw
from recipes.quickstart.policy import (
    PLACEHOLDERS,
    PROMPT,
    build_model,
    build_processor,
    build_tokenizer,
    response,
    save_policy,
)
from recipes.quickstart.responses import MAX_NEW_TOKENS, encode, respond
from recipes.quickstart.world import SPECIES, Family, Visibility
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.prompts import load_prompt


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = build_tokenizer()
    out = tmp_path_factory.mktemp("policy")
    save_policy(build_model(tokenizer, seed=0), build_processor(tokenizer), out)
    return out


def test_policy_is_the_same_after_saving_and_loading(folder: Path) -> None:
    tokenizer = build_tokenizer()
    built = build_model(tokenizer, seed=0)
    loaded = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    assert type(loaded) is type(built)
    assert sum(weight.numel() for weight in loaded.parameters()) < 1.4e6
    picture = draw(SPECIES[0], Visibility.CLEAR, random.Random(0))
    with torch.inference_mode():
        logits = built(**encode(build_processor(tokenizer), [picture], load_prompt(PROMPT))).logits
        again = loaded(**encode(AutoProcessor.from_pretrained(folder), [picture], load_prompt(PROMPT))).logits
    assert torch.equal(logits, again)


def test_policy_depends_on_its_seed() -> None:
    tokenizer = build_tokenizer()
    one, other = (build_model(tokenizer, seed).lm_head.weight for seed in (0, 1))
    assert not torch.equal(one, other)


def test_heads_are_as_large_as_vllm_asks_for(folder: Path) -> None:
    text = AutoModelForImageTextToText.from_pretrained(folder).config.text_config
    assert text.hidden_size // text.num_attention_heads >= 32


def test_the_prompt_is_short_and_holds_four_tokens_of_picture(folder: Path) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    ids = encode(processor, [draw(SPECIES[0], Visibility.CLEAR, random.Random(0))], load_prompt(PROMPT))["input_ids"][0]
    assert len(ids) <= 25
    assert (ids == processor.image_token_id).sum() == 4


def test_every_name_round_trips_and_a_colour_is_one_token(folder: Path) -> None:
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    for name in [species.label for species in SPECIES] + [family.value for family in Family]:
        ids = tokenizer.encode(response(name) + tokenizer.eos_token)
        assert len(ids) <= MAX_NEW_TOKENS // 2
        assert extract_answer(tokenizer.decode(ids, skip_special_tokens=True)).answer == name
    assert len(tokenizer.encode(SPECIES[0].label)) == 3


def test_a_tokenizer_of_the_small_world_still_encodes_any_text(folder: Path) -> None:
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    text = "Ünïcode, 鳥 <img> and\ttabs"
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("temperature", [0.0, 1.0], ids=["greedy", "sampled"])
def test_respond_never_generates_a_placeholder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    banned = processor.tokenizer.convert_tokens_to_ids(list(PLACEHOLDERS))

    def would_say_nothing_else(_module: Any, _inputs: Any, logits: torch.Tensor) -> torch.Tensor:
        logits[..., banned] += 1000
        return logits

    model.lm_head.register_forward_hook(would_say_nothing_else)
    generated: list[torch.Tensor] = []
    generate = model.generate

    def recorded(**kwargs: Any) -> torch.Tensor:
        tokens = generate(**kwargs)
        generated.append(tokens[:, kwargs["input_ids"].shape[1] :])
        return tokens

    monkeypatch.setattr(model, "generate", recorded)
    respond(model, processor, [draw(SPECIES[0], Visibility.CLEAR, random.Random(0))], "What?", temperature)
    assert generated[0].numel() > 0
    assert not torch.isin(generated[0], torch.tensor(banned)).any()
