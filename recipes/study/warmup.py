"""Supervised warm-up: a policy that knows the six domains as well as pictures allow, and hedges as it should not.

    python -m recipes.study.warmup --out DIR --seed 0

At each token of a response it learns the distribution that the token is drawn from, not the token: the generator knows
it. So the policy comes to state the probabilities of Bayes, in minutes, and hedges as `hedging` says.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tqdm import trange
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor, get_cosine_schedule_with_warmup

from recipes.quickstart.output import whole_folder
from recipes.quickstart.policy import build_model, build_processor, save_policy
from recipes.quickstart.stage import run_stage
from recipes.study.drawing import Pictures, render
from recipes.study.evidence import Evidence, draw
from recipes.study.hedging import PROMPTS
from recipes.study.language import MAX_TOKENS, Language, build_study_tokenizer
from recipes.study.pixels import encode_prompt, forward_arguments, patches
from recipes.study.world import DOMAINS

BATCH_PER_DOMAIN = 11
LEARNING_RATE = 1.5e-3
_FIRST, *_OTHERS = PROMPTS
_OTHER_PROMPT_EVERY = 4


def train(
    model: Qwen2_5_VLForConditionalGeneration,
    processor: Qwen2_5_VLProcessor,
    seen: list[tuple[Evidence, Pictures]],
    steps: int,
    chance: np.random.Generator,
) -> None:
    """Fit the responses' distributions in place."""
    language = Language(processor.tokenizer)
    prompts = {name: encode_prompt(processor, name) for name in PROMPTS}
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=30, num_training_steps=steps)
    model.train()
    progress = trange(steps, desc="warm-up", unit="step")
    for step in progress:
        turn, rest = divmod(step, _OTHER_PROMPT_EVERY)
        prompt = _FIRST if rest else _OTHERS[turn % len(_OTHERS)]
        chosen = [chance.integers(len(evidence), size=BATCH_PER_DOMAIN) for evidence, _ in seen]
        lessons = [language.lesson(e.take(i), prompt, chance) for (e, _), i in zip(seen, chosen, strict=True)]
        pictures = np.concatenate([shown[i] for (_, shown), i in zip(seen, chosen, strict=True)])
        tokens = torch.from_numpy(np.concatenate([lesson.tokens for lesson in lessons]))
        targets = torch.from_numpy(np.concatenate([lesson.targets for lesson in lessons]))
        arguments = forward_arguments(model, prompts[prompt], patches(processor, pictures), tokens)
        logits = model(**arguments, logits_to_keep=MAX_TOKENS + 1).logits[:, :-1]
        loss = divergence(logits, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.set_postfix(nats=f"{loss.item():.3f}", refresh=False)
    model.eval()


def divergence(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Kullback-Leibler divergence of the policy from the targets, in nats a response, both `(n, T, vocabulary)`."""
    cross = -(targets * logits.log_softmax(dim=-1)).sum()
    return (cross + torch.special.xlogy(targets, targets).sum()) / len(targets)


def main(
    out: Annotated[Path, typer.Option(help="Folder of the model that is written.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of 66 pictures.")] = 900,
    pictures: Annotated[int, typer.Option(min=BATCH_PER_DOMAIN, help="Pictures of each domain to learn from.")] = 2500,
    seed: Annotated[int, typer.Option(help="Of weights, pictures and drawn responses.")] = 0,
) -> None:
    """Warm a new policy up."""
    tokenizer = build_study_tokenizer()
    processor = build_processor(tokenizer)
    model = build_model(tokenizer, seed)
    chance = np.random.default_rng([seed, 0])
    seen = []
    for domain in DOMAINS:
        evidence = draw(domain, pictures, chance)
        seen.append((evidence, render(evidence, chance)))
    train(model, processor, seen, steps, chance)
    with whole_folder(out) as partial:
        save_policy(model, processor, partial)
    typer.echo(f"{out}: {model.num_parameters() / 1e6:.2f} M parameters, vocabulary of {len(tokenizer)}")


if __name__ == "__main__":
    run_stage(main)
