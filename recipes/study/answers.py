"""Lets a policy answer pictures fast: each prompt is read once, however many samples are drawn from it."""

from dataclasses import dataclass

import torch
from transformers import DynamicCache, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

from recipes.quickstart.policy import PLACEHOLDERS
from recipes.study.drawing import Pictures
from recipes.study.pixels import encode_prompt, forward_arguments, patches

MAX_NEW_TOKENS = 32
"""As in training."""
_TOKENS_AT_ONCE = 16384


@dataclass(frozen=True)
class Sampling:
    """How answers are chosen; greedy at temperature 0."""

    temperature: float = 0.0
    top_p: float = 1.0
    samples: int = 1


GREEDY = Sampling()
BEST_OF = Sampling(temperature=0.6, top_p=0.95, samples=64)
"""As the paper draws its upper bound."""


class Answerer:
    """A policy and its processor."""

    def __init__(self, model: Qwen2_5_VLForConditionalGeneration, processor: Qwen2_5_VLProcessor) -> None:
        self.model, self.processor = model.eval(), processor
        self._banned = processor.tokenizer.convert_tokens_to_ids(list(PLACEHOLDERS))
        self._end = int(processor.tokenizer.eos_token_id)
        self._pad = int(processor.tokenizer.pad_token_id)

    def respond(self, pictures: Pictures, prompt: str, sampling: Sampling = GREEDY) -> list[list[str]]:
        """`sampling.samples` responses to each picture, without special tokens."""
        batch = max(1, _TOKENS_AT_ONCE // (sampling.samples * 32))
        said: list[list[str]] = []
        for start in range(0, len(pictures), batch):
            with torch.inference_mode():
                tokens = self._generate(pictures[start : start + batch], prompt, sampling)
            texts = self.processor.tokenizer.batch_decode(tokens, skip_special_tokens=True)
            said += [texts[i : i + sampling.samples] for i in range(0, len(texts), sampling.samples)]
        return said

    def _generate(self, pictures: Pictures, prompt: str, sampling: Sampling) -> torch.Tensor:
        encoded = encode_prompt(self.processor, prompt)
        n = len(pictures)
        empty = torch.zeros(n, 0, dtype=torch.int64)
        arguments = forward_arguments(self.model, encoded, patches(self.processor, pictures), empty)
        position = int(arguments["position_ids"].max())
        cache = DynamicCache(config=self.model.config.text_config)
        logits = self.model(**arguments, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[:, -1]
        if sampling.samples > 1:
            cache.batch_repeat_interleave(sampling.samples)
            logits = logits.repeat_interleave(sampling.samples, dim=0)
        tokens: list[torch.Tensor] = []
        done = torch.zeros(len(logits), dtype=torch.bool)
        for _ in range(MAX_NEW_TOKENS):
            chosen = self._choose(logits, sampling).masked_fill(done, self._pad)
            tokens.append(chosen)
            done |= (chosen == self._end) | (chosen == self._pad)
            if bool(done.all()):
                break
            position += 1
            places = torch.full((3, len(chosen), 1), position)
            step = self.model(input_ids=chosen[:, None], position_ids=places, past_key_values=cache, use_cache=True)
            logits = step.logits[:, -1]
        return torch.stack(tokens, dim=1)

    def _choose(self, logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
        logits[:, self._banned] = -torch.inf
        if sampling.temperature == 0:
            return logits.argmax(dim=-1)
        shares, tokens = (logits / sampling.temperature).softmax(dim=-1).sort(dim=-1, descending=True)
        shares[shares.cumsum(dim=-1) - shares >= sampling.top_p] = 0.0
        drawn = torch.multinomial(shares, 1)
        return tokens.gather(-1, drawn)[:, 0]
