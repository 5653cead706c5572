"""Teaches a small judge the taxonomy of the bird world.

    python -m recipes.quickstart.judge_training --taxonomy FILE --out DIR --seed 0

`DIR` gets the Hugging Face folder, and `gold.jsonl`: the pairs that it never learnt from, for `speciarl judge calibrate
--gold`. All prompts begin alike, so a step computes that once and lets every pair of the batch attend to it, as the
server's prefix cache does.
"""

import json
import random
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import torch
import typer
from tqdm import trange
from transformers import DynamicCache, PreTrainedTokenizerFast, Qwen3ForCausalLM, get_cosine_schedule_with_warmup

from recipes.quickstart.judge_model import build_model, build_tokenizer, messages, question, save_judge
from recipes.quickstart.judge_pairs import Sorted, graded_pairs, is_held_out
from recipes.quickstart.output import whole_folder
from recipes.quickstart.stage import run_stage
from speciarl_verl.judge.calibration.gold import GoldPair
from speciarl_verl.judge.llm.question import Form
from speciarl_verl.judge.protocol import Pair
from speciarl_verl.judge.taxonomy import TaxonomyJudge

BATCH = 64
LEARNING_RATE = 2e-3
WORDS_WEIGHT = 0.5


class Prompts:
    """The tokens of some pairs, apart from what all their prompts begin with.

    Attributes:
        prefix: that beginning, (1, P) int64: the rubric, and the pair up to its truth.
        padding: the token that stands behind shorter ones.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, form: Form, pairs: Iterable[Pair]) -> None:
        chats = {
            pair: tokenizer.encode(
                tokenizer.apply_chat_template(messages(form, pair), add_generation_prompt=True, tokenize=False),
                add_special_tokens=False,
            )
            for pair in pairs
        }
        alike = takewhile(lambda column: len(set(column)) == 1, zip(*chats.values(), strict=False))
        shared = [column[0] for column in alike]
        self.prefix = torch.tensor([shared])
        self.padding = int(tokenizer.pad_token_id)
        self._rest = {pair: torch.tensor(tokens[len(shared) :]) for pair, tokens in chats.items()}
        self._letters = {
            category: tokenizer.convert_tokens_to_ids(letter)
            for letter, category in zip(form.menu.choices, form.menu.categories, strict=True)
        }

    def batch(self, entries: Sequence[GoldPair]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens behind the prefix, (B, T) int64, padded on the right; and the place of each one's last, (B,) int64."""
        rest = [self._rest[entry.pair] for entry in entries]
        tokens = torch.nn.utils.rnn.pad_sequence(rest, batch_first=True, padding_value=self.padding)
        return tokens, torch.tensor([len(one) - 1 for one in rest])

    def letters(self, entries: Sequence[GoldPair]) -> torch.Tensor:
        """The token that answers right, (B,) int64."""
        return torch.tensor([self._letters[entry.category] for entry in entries])


def hidden_states(model: Qwen3ForCausalLM, prompts: Prompts, tokens: torch.Tensor) -> torch.Tensor:
    """Of tokens behind the shared prefix, (B, T) int64: what the last layer makes of each, (B, T, hidden)."""
    beginning = model.model(input_ids=prompts.prefix, use_cache=True).past_key_values
    shared = DynamicCache(config=model.config)
    for number, layer in enumerate(beginning.layers):
        shared.update(*(part.expand(len(tokens), -1, -1, -1) for part in (layer.keys, layer.values)), number)
    # Padding comes behind the tokens that are read, which therefore do not see it.
    hidden: torch.Tensor = model.model(input_ids=tokens, past_key_values=shared, use_cache=True).last_hidden_state
    return hidden


def losses(
    model: Qwen3ForCausalLM, prompts: Prompts, entries: Sequence[GoldPair]
) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Cross-entropy of the answers, and of the pair's words, each from those before it; and the share that is right.

    Who has learnt to guess a prediction from the truth knows where in the truth its words stand.
    """
    tokens, last = prompts.batch(entries)
    hidden = hidden_states(model, prompts, tokens)
    logits, answers = model.lm_head(hidden[torch.arange(len(entries)), last]), prompts.letters(entries)
    words = torch.nn.functional.cross_entropy(
        model.lm_head(hidden[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=prompts.padding
    )
    right = (logits.argmax(dim=-1) == answers).float().mean().item()
    return torch.nn.functional.cross_entropy(logits, answers), words, right


def train(model: Qwen3ForCausalLM, prompts: Prompts, learnt: Sequence[GoldPair], steps: int, seed: int) -> None:
    """Fit the answers in place."""
    chance = random.Random(f"judge/{seed}")
    pairs = Sorted(learnt)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=20, num_training_steps=steps)
    model.train()
    progress = trange(steps, desc="judge", unit="step")
    for _ in progress:
        batch = pairs.draw(BATCH, chance)
        loss, words, right = losses(model, prompts, batch)
        (loss + WORDS_WEIGHT * words).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.set_postfix(loss=f"{loss.item():.3f}", right=f"{right:.2f}", refresh=False)
    model.eval()


def main(
    taxonomy: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Of the world, as `birds` writes it.")],
    out: Annotated[Path, typer.Option(help="Folder of the model that is written.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of 64 pairs.")] = 800,
    seed: Annotated[int, typer.Option(help="Of weights, pairs and their order.")] = 0,
) -> None:
    """Train a new judge, and write down what it has not seen."""
    pairs = graded_pairs(TaxonomyJudge.from_file(taxonomy), seed)
    held_out = [entry for entry in pairs if is_held_out(entry, seed)]
    learnt = [entry for entry in pairs if not is_held_out(entry, seed)]
    form = question()
    tokenizer = build_tokenizer(form, [entry.pair for entry in learnt])
    model = build_model(tokenizer, seed)
    train(model, Prompts(tokenizer, form, (entry.pair for entry in learnt)), learnt, steps, seed)
    with whole_folder(out) as partial:
        save_judge(model, tokenizer, partial)
        (partial / "gold.jsonl").write_text("".join(f"{gold_line(entry)}\n" for entry in held_out), encoding="utf-8")
    typer.echo(
        f"{out}: {model.num_parameters() / 1e6:.2f} M parameters, vocabulary of {len(tokenizer)}; learnt from "
        f"{len(learnt)} pairs, {len(held_out)} held out"
    )


def gold_line(entry: GoldPair) -> str:
    """As a gold set's file has it."""
    return json.dumps(entry.model_dump(mode="json", exclude_none=True) | {"category": entry.category.symbol})


if __name__ == "__main__":
    run_stage(main)
