"""Supervised warm-up: a policy that knows the species but hedges, as large vision-language models do.

    python -m recipes.quickstart.warmup --out DIR --seed 0

First it learns the most specific answer that each picture supports, then its targets shift, linearly, to cautious ones.
(A sudden shift makes it forget the colours.) It learns from pictures of its own, none of them in the data set.
`DIR` gets the Hugging Face folder and `warmup.json`, what the policy says on further pictures that it never saw.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from tqdm import tqdm, trange
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, get_cosine_schedule_with_warmup

from recipes.quickstart.drawing import draw
from recipes.quickstart.output import whole_folder
from recipes.quickstart.policy import PROMPT, build_model, build_processor, build_tokenizer, response, save_policy
from recipes.quickstart.responses import encode, respond
from recipes.quickstart.world import ROOT, SPECIES, Species, Visibility, honest_answer
from speciarl_verl.answer import extract_answer
from speciarl_verl.prompts import load_prompt

BATCH = 64
LEARNING_RATE = 1.5e-3
HONEST_STEPS = 150
RAMP_STEPS = 250
_IGNORED = -100  # the loss takes no account of these labels

# How often a cautious policy names the root, a family, a species.
_HEDGING = {
    Visibility.CLEAR: (0.47, 0.25, 0.28),
    Visibility.HIDDEN: (0.60, 0.32, 0.08),
    Visibility.BLURRED: (0.88, 0.06, 0.06),
}


@dataclass(frozen=True)
class Sighting:
    """A picture and what is known about it."""

    picture: Image.Image
    species: Species
    visibility: Visibility


@dataclass(frozen=True)
class Probe:
    """What a warmed-up policy says, as fractions in [0, 1].

    Attributes:
        greedy_bird: greedy answers that are no more than "bird", of all pictures.
        clear_species: sampled answers that name a species, of those on clear pictures.
        clear_species_right: of these, the right ones.
        hidden_family_right: sampled answers that are the right family, of those on hidden pictures that name a family.
        unparseable: sampled responses without an answer, of all.
    """

    greedy_bird: float
    clear_species: float
    clear_species_right: float
    hidden_family_right: float
    unparseable: float


def sightings(count: int, seed: str) -> list[Sighting]:
    """Pictures that are in no data set: `seed` is a text, those of the data set are drawn by other ones."""
    chance = random.Random(seed)
    seen = []
    for _ in trange(count, desc=f"rendering {seed}", unit="picture"):
        species, visibility = chance.choice(SPECIES), chance.choice(tuple(Visibility))
        seen.append(Sighting(draw(species, visibility, chance), species, visibility))
    return seen


def hedge(sighting: Sighting, chance: random.Random) -> str:
    """A cautious answer: mostly broad, now and then as specific as a guess; never finer than the truth where it shows."""
    level = chance.choices(("root", "family", "species"), _HEDGING[sighting.visibility])[0]
    if level == "root":
        return ROOT
    guess = sighting.species
    if sighting.visibility is Visibility.HIDDEN:
        guess = chance.choice([species for species in SPECIES if species.family is guess.family])
    elif sighting.visibility is Visibility.BLURRED:
        guess = chance.choice(SPECIES)
    return guess.label if level == "species" else guess.family.value


def train(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2_5_VLProcessor,
    seen: Sequence[Sighting],
    steps: int,
    seed: int,
) -> None:
    """Fit the responses in place, with a loss on the response's tokens only."""
    chance = random.Random(f"targets/{seed}")
    instruction = load_prompt(PROMPT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=20, num_training_steps=steps)
    model.train()
    progress = trange(steps, desc="warm-up", unit="step")
    for step in progress:
        batch = chance.sample(seen, BATCH)
        hedging = (step - HONEST_STEPS) / RAMP_STEPS
        answers = [
            hedge(sighting, chance)
            if chance.random() < hedging
            else honest_answer(sighting.species, sighting.visibility)
            for sighting in batch
        ]
        loss = _loss(model, processor, [sighting.picture for sighting in batch], instruction, answers)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.set_postfix(loss=f"{loss.item():.3f}", hedging=f"{min(max(hedging, 0.0), 1.0):.2f}")
    model.eval()


def _loss(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2_5_VLProcessor,
    pictures: Sequence[Image.Image],
    instruction: str,
    answers: Sequence[str],
) -> torch.Tensor:
    """Mean cross-entropy of the response's tokens, the end of the turn included."""
    tokenizer = processor.tokenizer
    prompts = encode(processor, pictures, instruction)
    targets = tokenizer(
        [response(answer) + tokenizer.eos_token for answer in answers],
        padding=True,
        padding_side="right",
        return_tensors="pt",
    )
    is_padding = targets["attention_mask"] == 0
    prompts["input_ids"] = torch.cat([prompts["input_ids"], targets["input_ids"]], dim=1)
    prompts["attention_mask"] = torch.cat([prompts["attention_mask"], targets["attention_mask"]], dim=1)
    text = torch.zeros_like(targets["input_ids"])
    labels = torch.cat(
        [torch.full_like(prompts["mm_token_type_ids"], _IGNORED), targets["input_ids"].masked_fill(is_padding, _IGNORED)],
        dim=1,
    )
    prompts["mm_token_type_ids"] = torch.cat([prompts["mm_token_type_ids"], text], dim=1)
    loss: torch.Tensor = model(**prompts, labels=labels).loss
    return loss


def probe(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2_5_VLProcessor,
    seen: Sequence[Sighting],
) -> Probe:
    """Let the policy answer, greedy and sampled at temperature 1."""
    pictures = [sighting.picture for sighting in seen]
    instruction = load_prompt(PROMPT)
    greedy = [extract_answer(text).answer for text in respond(model, processor, pictures, instruction)]
    sampled = [extract_answer(text).answer for text in respond(model, processor, pictures, instruction, 1.0)]
    labels = {species.label for species in SPECIES}
    families = {species.family.value for species in SPECIES}
    clear = [(s.species.label, a) for s, a in zip(seen, sampled, strict=True) if s.visibility is Visibility.CLEAR]
    hidden = [
        (s.species.family.value, a) for s, a in zip(seen, sampled, strict=True) if s.visibility is Visibility.HIDDEN
    ]
    named = [(label, answer) for label, answer in clear if answer in labels]
    placed = [(family, answer) for family, answer in hidden if answer in families]
    return Probe(
        greedy_bird=_share([answer == ROOT for answer in greedy]),
        clear_species=_share([answer in labels for _, answer in clear]),
        clear_species_right=_share([label == answer for label, answer in named]),
        hidden_family_right=_share([family == answer for family, answer in placed]),
        unparseable=_share([answer is None for answer in sampled]),
    )


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def main(
    out: Annotated[Path, typer.Option(help="Folder of the model that is written.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of 64 pictures.")] = 680,
    pictures: Annotated[int, typer.Option(min=BATCH, help="Pictures to learn from.")] = 6000,
    seed: Annotated[int, typer.Option(help="Of weights, pictures, targets and the probe's samples.")] = 0,
) -> None:
    """Warm a new policy up, and report what it then says."""
    tokenizer = build_tokenizer()
    processor = build_processor(tokenizer)
    model = build_model(tokenizer, seed)
    train(model, processor, sightings(pictures, f"warm-up/{seed}"), steps, seed)
    figures = asdict(probe(model, processor, sightings(1200, f"probe/{seed}")))
    with whole_folder(out) as partial:
        save_policy(model, processor, partial)
        (partial / "warmup.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, value in figures.items():
        tqdm.write(f"{name:<20} {value:.3f}")


if __name__ == "__main__":
    typer.run(main)
