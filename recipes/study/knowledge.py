"""What a policy knows: made to name a kind or a family, its best answer, and how probable it finds it to be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from recipes.study.answers import Answerer
from recipes.study.drawing import Pictures
from recipes.study.evidence import Evidence, Floats, Ints
from recipes.study.hedging import Rung
from recipes.study.pixels import encode_prompt, forward_arguments, patches

_BATCH = 256


@dataclass(frozen=True)
class Knowledge:
    """Columns are a kind, a family and the root, as in `oracle.SCORES`.

    Attributes:
        stated: `(n, 3)`, the probability that the policy gives its best answer; 1 for the root.
        right: `(n, 3)`, whether that answer is.
    """

    stated: Floats
    right: npt.NDArray[np.bool_]

    def take(self, chosen: npt.NDArray[np.bool_]) -> "Knowledge":
        """Some of the pictures."""
        return Knowledge(self.stated[chosen], self.right[chosen])

    def calibrated_by(self, others: "Knowledge", bins: int = 12) -> Floats:
        """How probable the answers are, `(n, 3)`, by how often `others` as certain were right (as many in each bin)."""
        columns = []
        for stated, known, right in zip(self.stated.T, others.stated.T, others.right.T, strict=True):
            edges = np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])
            place = np.searchsorted(edges, known)
            rate = [right[place == b].mean() if (place == b).any() else right.mean() for b in range(bins)]
            columns.append(np.maximum.accumulate(rate)[np.searchsorted(edges, stated)])
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Bin:
    """Answers whose stated probability lies between `low` and `high`."""

    low: float
    high: float
    n: int
    stated: float
    right: float


def ask(answerer: Answerer, evidence: Evidence, pictures: Pictures, prompt: str = "short") -> Knowledge:
    """Ask for the kind and for the family of each picture; another name of a family counts with its name."""
    domain, n = evidence.domain, len(evidence)
    kinds = _ids(answerer, list(domain.kinds))
    of_kind = _shares(answerer, pictures, prompt, Rung.KIND, torch.zeros(n, 0, dtype=torch.int64))
    kind: Ints = of_kind[:, kinds].argmax(axis=1)
    families = [_ids(answerer, [before + f.name for f in domain.families]) for before in ("", " ")]
    synonyms = [_ids(answerer, [before + f.synonym for f in domain.families]) for before in ("", " ")]
    said = torch.tensor(kinds)[torch.from_numpy(kind)][:, None]
    within = _shares(answerer, pictures, prompt, Rung.KIND, said)
    within = within[:, families[1]] + within[:, synonyms[1]]
    alone = _shares(answerer, pictures, prompt, Rung.FAMILY, torch.zeros(n, 0, dtype=torch.int64))
    alone = alone[:, families[0]] + alone[:, synonyms[0]]
    certain = np.ones(n)
    stated = np.stack([of_kind[:, kinds].max(axis=1) * within.max(axis=1), alone.max(axis=1), certain], axis=1)
    is_kind = (kind == evidence.kind) & (within.argmax(axis=1) == evidence.family)
    return Knowledge(stated, np.stack([is_kind, alone.argmax(axis=1) == evidence.family, certain > 0], axis=1))


def reliability(stated: Floats, right: npt.NDArray[np.bool_], bins: int = 10) -> list[Bin]:
    """Bins of equal width in the stated probability; empty ones are left out."""
    place = np.minimum((stated * bins).astype(int), bins - 1)
    return [
        Bin(b / bins, (b + 1) / bins, int(within.sum()), _mean(stated[within]), _mean(right[within]))
        for b in range(bins)
        if (within := place == b).any()
    ]


def _mean(values: Floats | npt.NDArray[np.bool_]) -> float:
    return round(float(values.mean()), 4)


def _ids(answerer: Answerer, words: list[str]) -> list[int]:
    return [int(answerer.processor.tokenizer.encode(word)[0]) for word in words]


def _shares(answerer: Answerer, pictures: Pictures, prompt: str, rung: Rung, said: torch.Tensor) -> Floats:
    """P(next word), `(n, vocabulary)`, after the thought of a rung and what was `said` of the answer."""
    encoded = encode_prompt(answerer.processor, prompt)
    prefix = torch.tensor(answerer.processor.tokenizer.encode(f"<think>{rung.value}</think><answer>"))
    shares = []
    for start in range(0, len(pictures), _BATCH):
        part = said[start : start + _BATCH]
        responses = torch.cat([prefix.expand(len(part), -1), part], dim=1)
        pixel_values = patches(answerer.processor, pictures[start : start + _BATCH])
        arguments = forward_arguments(answerer.model, encoded, pixel_values, responses)
        with torch.inference_mode():
            logits = answerer.model(**arguments, logits_to_keep=1).logits[:, -1]
        shares.append(logits.softmax(dim=-1).double().numpy())
    return np.concatenate(shares)
