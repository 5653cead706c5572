import random
from collections import Counter

import pytest
import torch

from recipes.quickstart.policy import PROMPT, build_model, build_processor, build_tokenizer, response
from recipes.quickstart.sightings import Sighting, see
from recipes.quickstart.warmup import BATCH, hedge, response_loss, train
from recipes.quickstart.world import ROOT, SPECIES, Family, Visibility
from speciarl_verl.prompts import load_prompt

LABELS = {species.label for species in SPECIES}
FAMILIES = {family.value for family in Family}


def hedged(visibility: Visibility, draws: int = 4000) -> Counter[str]:
    chance = random.Random(0)
    sighting = Sighting(see(1, "test")[0].picture, SPECIES[0], visibility)
    return Counter(hedge(sighting, chance) for _ in range(draws))


def test_hedge_of_a_clear_picture_is_never_false() -> None:
    said = hedged(Visibility.CLEAR)
    assert said.keys() == {ROOT, SPECIES[0].family.value, SPECIES[0].label}
    assert said[SPECIES[0].label] / said.total() == pytest.approx(0.28, abs=0.03)


def test_hedge_of_a_hidden_picture_guesses_only_the_colour() -> None:
    said = hedged(Visibility.HIDDEN)
    assert said.keys() - {ROOT} == {SPECIES[0].family.value} | {
        species.label for species in SPECIES if species.family is SPECIES[0].family
    }


def test_hedge_of_a_blurred_picture_knows_nothing_of_the_truth() -> None:
    said = hedged(Visibility.BLURRED)
    assert said.keys() == {ROOT} | FAMILIES | LABELS
    assert said[ROOT] / said.total() == pytest.approx(0.88, abs=0.03)


def test_see_repeats_by_seed() -> None:
    one, again, other = (see(3, seed)[2].picture.tobytes() for seed in ("a", "a", "b"))
    assert one == again != other


def test_loss_takes_no_account_of_the_padding() -> None:
    tokenizer = build_tokenizer()
    model, processor = build_model(tokenizer, seed=0), build_processor(tokenizer)
    pictures = [sighting.picture for sighting in see(2, "test")]
    answers = ["bird", "Azure crowned Owl"]
    apart = [response_loss(model, processor, [p], "What?", [a]).item() for p, a in zip(pictures, answers, strict=True)]
    together = response_loss(model, processor, pictures, "What?", answers).item()
    tokens = [len(tokenizer.encode(response(answer) + tokenizer.eos_token)) for answer in answers]
    assert tokens[0] < tokens[1]
    mean = sum(loss * count for loss, count in zip(apart, tokens, strict=True)) / sum(tokens)
    assert together == pytest.approx(mean, rel=1e-4)


def test_train_lowers_the_loss_of_true_answers() -> None:
    torch.manual_seed(0)
    tokenizer = build_tokenizer()
    model, processor = build_model(tokenizer, seed=0), build_processor(tokenizer)
    seen = see(BATCH, "test")
    pictures = [sighting.picture for sighting in seen]
    answers = [sighting.species.label for sighting in seen]
    before = response_loss(model, processor, pictures, load_prompt(PROMPT), answers).item()
    train(model, processor, seen, steps=6, seed=0)
    after = response_loss(model, processor, pictures, load_prompt(PROMPT), answers).item()
    assert after < 0.8 * before
    assert not model.training
