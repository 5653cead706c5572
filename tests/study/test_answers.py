"""What answers fast must answer as transformers' own generation does."""

import pytest
import torch
from PIL import Image

from recipes.quickstart.policy import PLACEHOLDERS
from recipes.quickstart.responses import encode, respond
from recipes.study.answers import Answerer, Sampling
from recipes.study.birds import held_out
from recipes.study.hedging import WORDING
from recipes.study.pixels import encode_prompt, forward_arguments, patches
from recipes.study.world import DOMAINS


@pytest.mark.parametrize("prompt", ["short", "be-specific"])
def test_greedy_answers_are_those_of_generate(answerer: Answerer, prompt: str) -> None:
    _, pictures = held_out(DOMAINS[2], 5, seed=0)
    expected = respond(answerer.model, answerer.processor, [Image.fromarray(p) for p in pictures], WORDING[prompt])
    assert [said for (said,) in answerer.respond(pictures, prompt)] == expected


def test_patches_and_positions_are_the_processors(answerer: Answerer) -> None:
    _, pictures = held_out(DOMAINS[0], 3, seed=0)
    batch = encode(answerer.processor, [Image.fromarray(p) for p in pictures], WORDING["short"])
    ours = patches(answerer.processor, pictures)
    torch.testing.assert_close(ours, batch["pixel_values"])
    prompt = encode_prompt(answerer.processor, "short")
    arguments = forward_arguments(answerer.model, prompt, ours, torch.zeros(3, 0, dtype=torch.int64))
    with torch.inference_mode():
        torch.testing.assert_close(answerer.model(**arguments).logits, answerer.model(**batch).logits)


def test_samples_differ_and_never_hold_a_placeholder(answerer: Answerer) -> None:
    _, pictures = held_out(DOMAINS[0], 2, seed=0)
    torch.manual_seed(0)
    with torch.inference_mode():
        tokens = answerer._generate(pictures, "short", Sampling(temperature=1.0, samples=8))
    assert len(tokens) == 16
    assert len(tokens.unique(dim=0)) > 8
    banned = answerer.processor.tokenizer.convert_tokens_to_ids(list(PLACEHOLDERS))
    assert not torch.isin(tokens, torch.tensor(banned)).any()


def test_top_p_leaves_the_likeliest_tokens(answerer: Answerer) -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -5.0] + [-30.0] * (len(answerer.processor.tokenizer) - 4)]).repeat(400, 1)
    torch.manual_seed(0)
    chosen = answerer._choose(logits, Sampling(temperature=1.0, top_p=0.8))
    assert set(chosen.tolist()) == {0, 1}
