"""What the policy says, token by token, and how probable it should be: `<think>rung</think><answer>name</answer>`.

All words are one token each, so that an answer of the finest kind takes nine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from transformers import Qwen2Tokenizer

from recipes.quickstart.policy import build_tokenizer
from recipes.study.evidence import Evidence, Floats, Ints, family_posterior, order_posterior
from recipes.study.hedging import WORDING, Rung, rungs
from recipes.study.world import DOMAINS, VARIETY

MAX_TOKENS = 9
REFUSAL = "None"
_SYNONYM, _VARIETY, _BROADER_ROOT = 0.15, 0.05, 0.1
"""How often another name of the family, a narrower name of the kind, and the broader root are said."""
_START, _RUNG, _ANSWER, _NAME = 0, 1, 3, 4
_RUNGS = tuple(Rung)


def build_study_tokenizer() -> Qwen2Tokenizer:
    """A tokenizer in which every word of the world and of the known prompts is one token."""
    names = [REFUSAL, *[rung.value for rung in Rung]]
    for domain in DOMAINS:
        families = [name for family in domain.families for name in (family.name, family.synonym)]
        names += [*domain.roots, *domain.orders, *families]
        names += [f"{kind} {family} {VARIETY}" for kind in domain.kinds for family in families]
    return build_tokenizer([*WORDING.values(), *names])


@dataclass(frozen=True)
class Lesson:
    """Responses to learn, and at each of their tokens the distribution that it was drawn from.

    Attributes:
        tokens: `(n, MAX_TOKENS)`, padded on the right.
        targets: `(n, MAX_TOKENS, vocabulary)`, rows that add up to 1, or to 0 at padding.
    """

    tokens: Ints
    targets: npt.NDArray[np.float32]


class Language:
    """The token of every word."""

    def __init__(self, tokenizer: Qwen2Tokenizer) -> None:
        self._vocabulary = len(tokenizer)
        self._pad = int(tokenizer.pad_token_id)
        self._id = {word: _only(tokenizer, word) for word in _words(tokenizer)}
        self._end = int(tokenizer.eos_token_id)

    def lesson(self, evidence: Evidence, prompt: str, chance: np.random.Generator) -> Lesson:
        """Draw a response to each picture.

        The rung that is thought is drawn evenly, so that all are learnt well; its target is the policy's hedging.
        """
        n = len(evidence)
        targets = np.zeros((n, MAX_TOKENS, self._vocabulary), dtype=np.float32)
        tokens = np.full((n, MAX_TOKENS), self._pad, dtype=np.int64)
        of_rung = rungs(evidence, prompt)
        said = chance.choice(len(_RUNGS), size=n, p=[0.45, 0.25, 0.15, 0.1, 0.05])
        families, orders = family_posterior(evidence.posterior), order_posterior(evidence.posterior)
        for i in range(n):
            path = _Path(targets[i], tokens[i], self._id, chance)
            path.say("<think>")
            path.say_given(_RUNGS[said[i]].value, _named([rung.value for rung in _RUNGS], of_rung[i]))
            path.say("</think>")
            path.say("<answer>")
            domain, rung = evidence.domain, _RUNGS[said[i]]
            if rung is Rung.KIND:
                joint = evidence.posterior[i]
                kind = domain.kinds.index(path.draw(_named(domain.kinds, joint.sum(axis=0))))
                path.draw(self._family_names(evidence, joint[:, kind] / joint[:, kind].sum(), " "))
                if path.draw({"</answer>": 1 - _VARIETY, f" {VARIETY}": _VARIETY}) == "</answer>":
                    path.say("<|im_end|>")
                    continue
            elif rung is Rung.FAMILY:
                path.draw(self._family_names(evidence, families[i], ""))
            elif rung is Rung.ORDER:
                path.draw(_named(domain.orders, orders[i]))
            elif rung is Rung.ROOT:
                path.draw(_named(domain.roots, (1 - _BROADER_ROOT, _BROADER_ROOT)))
            else:
                path.say(REFUSAL)
            path.say("</answer>")
            path.say("<|im_end|>")
        return Lesson(tokens, targets)

    def _family_names(self, evidence: Evidence, shares: Floats, before: str) -> Mapping[str, float]:
        names = {}
        for family, share in zip(evidence.domain.families, shares, strict=True):
            names[before + family.name] = share * (1 - _SYNONYM)
            names[before + family.synonym] = share * _SYNONYM
        return names


def _named(names: Sequence[str], shares: Sequence[float] | Floats) -> Mapping[str, float]:
    return dict(zip(names, shares, strict=True))


class _Path:
    """One response in the making."""

    def __init__(
        self,
        targets: npt.NDArray[np.float32],
        tokens: Ints,
        ids: Mapping[str, int],
        chance: np.random.Generator,
    ) -> None:
        self._targets, self._tokens, self._ids, self._chance = targets, tokens, ids, chance
        self._at = 0

    def say(self, word: str) -> None:
        """A word that is certain."""
        self.say_given(word, {word: 1.0})

    def draw(self, shares: Mapping[str, float]) -> str:
        """A word by chance; gives it back."""
        words, weights = list(shares), np.fromiter(shares.values(), dtype=np.float64)
        word = words[self._chance.choice(len(words), p=weights / weights.sum())]
        self.say_given(word, shares)
        return word

    def say_given(self, word: str, shares: Mapping[str, float]) -> None:
        """A word, where `shares` are the probabilities of all that could stand in its place."""
        for other, share in shares.items():
            self._targets[self._at, self._ids[other]] += share
        self._tokens[self._at] = self._ids[word]
        self._at += 1


def _words(tokenizer: Qwen2Tokenizer) -> list[str]:
    words = ["<think>", "</think>", "<answer>", "</answer>", "<|im_end|>", REFUSAL, f" {VARIETY}"]
    words += [rung.value for rung in Rung]
    for domain in DOMAINS:
        words += [*domain.roots, *domain.orders, *domain.kinds]
        for family in domain.families:
            words += [before + name for before in ("", " ") for name in (family.name, family.synonym)]
    return sorted(set(words))


def _only(tokenizer: Qwen2Tokenizer, word: str) -> int:
    ids = tokenizer.encode(word)
    if len(ids) != 1:
        raise ValueError(f"{word!r} is {len(ids)} tokens, not one")
    return int(ids[0])
