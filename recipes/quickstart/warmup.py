"""Supervised warm-up: a policy that knows the species but hedges, as large vision-language models do.

    python -m recipes.quickstart.warmup --out DIR --seed 0

First it learns the most specific answer that each picture supports, then its targets shift, linearly, to cautious ones.
(A sudden shift makes it forget the colours.) It learns from pictures of its own, none of them in the data set.
`DIR` gets the Hugging Face folder and `warmup.json`, what the policy says on further pictures that it never saw.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from tqdm import tqdm, trange
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, get_cosine_schedule_with_warmup

from recipes.quickstart.output import whole_folder
from recipes.quickstart.policy import PROMPT, build_model, build_processor, build_tokenizer, response, save_policy
from recipes.quickstart.probe import probe
from recipes.quickstart.responses import encode
from recipes.quickstart.sightings import Sighting, see
from recipes.quickstart.stage import run_stage
from recipes.quickstart.world import ROOT, SPECIES, Visibility, honest_answer
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


def hedge(sighting: Sighting, chance: random.Random) -> str:
    """A cautious answer: mostly broad, now and then specific, and then a guess where the picture does not tell."""
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
        loss = response_loss(model, processor, [sighting.picture for sighting in batch], instruction, answers)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.set_postfix(loss=f"{loss.item():.3f}", hedging=f"{min(max(hedging, 0.0), 1.0):.2f}", refresh=False)
    model.eval()


def response_loss(
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
    kinds = prompts["mm_token_type_ids"]
    prompts["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(targets["input_ids"])], dim=1)
    unscored = torch.full_like(kinds, _IGNORED)
    labels = torch.cat([unscored, targets["input_ids"].masked_fill(is_padding, _IGNORED)], dim=1)
    loss: torch.Tensor = model(**prompts, labels=labels).loss
    return loss


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
    train(model, processor, see(pictures, f"warm-up/{seed}"), steps, seed)
    figures = asdict(probe(model, processor, see(1200, f"probe/{seed}")))
    with whole_folder(out) as partial:
        save_policy(model, processor, partial)
        (partial / "warmup.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for name, value in figures.items():
        tqdm.write(f"{name:<20} {value:.3f}")


if __name__ == "__main__":
    run_stage(main)
