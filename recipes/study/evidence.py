"""What a picture shows of its kind, and what the best of observers could conclude from it.

Two colours are shown, each a point in the plane of hues: `strength * (hue of the truth) + noise`. The strengths fade
with the picture, and how faded it is can be seen: the colours of a faded picture are near grey, and what is left of
their hue is mostly noise. So the probability of the best guess at a kind lies anywhere from 5% to 98%, and it can be
computed: Bayes over families and kinds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recipes.study.world import FAMILIES, FAMILIES_PER_ORDER, Domain

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOISE = 0.15
"""Standard deviation of a shown colour in either direction; a hue at full strength has length 1."""
_FAINTEST_BODY = 0.15
_PER_PICTURE = ("family", "kind", "clarity", "body", "mark", "habit", "posterior")


@dataclass(frozen=True)
class Evidence:
    """n pictures of one domain.

    Attributes:
        family, kind: the truth, `(n,)`.
        clarity: `(n,)`, from 0, all faded, to 1.
        body, mark: the colours shown, `(n, 2)`.
        habit: `(n,)`, standard normal: the scenery, which says nothing of the kind, but on which it depends how readily
            the policy commits itself.
        posterior: `(n, families, kinds)`, what body and mark together tell.
    """

    domain: Domain
    family: Ints
    kind: Ints
    clarity: Floats
    body: Floats
    mark: Floats
    habit: Floats
    posterior: Floats

    def __len__(self) -> int:
        return len(self.family)

    def take(self, chosen: Ints) -> "Evidence":
        """Some of the pictures, by their places."""
        parts = {name: getattr(self, name)[chosen] for name in _PER_PICTURE}
        return Evidence(domain=self.domain, **parts)

    def labels(self) -> list[str]:
        """The ground truths."""
        return [self.domain.label(int(f), int(k)) for f, k in zip(self.family, self.kind, strict=True)]


def draw(domain: Domain, n: int, chance: np.random.Generator) -> Evidence:
    """Draw kinds, clarities and sceneries, independent of each other, and colours that depend on them."""
    kinds = len(domain.kinds)
    family, kind = chance.integers(FAMILIES, size=n), chance.integers(kinds, size=n)
    clarity = chance.random(n)
    of_body, of_mark = _strengths(clarity, domain.contrast)
    body = of_body[:, None] * _hues(FAMILIES)[family] + NOISE * chance.normal(size=(n, 2))
    mark = of_mark[:, None] * _hues(kinds)[kind] + NOISE * chance.normal(size=(n, 2))
    shares = posterior(domain, clarity, body, mark)
    return Evidence(domain, family, kind, clarity, body, mark, chance.normal(size=n), shares)


def posterior(domain: Domain, clarity: Floats, body: Floats, mark: Floats) -> Floats:
    """P(family, kind | clarity, body, mark), `(n, families, kinds)`."""
    of_body, of_mark = _strengths(clarity, domain.contrast)
    families = _shares(body, of_body, _hues(FAMILIES))
    kinds = _shares(mark, of_mark, _hues(len(domain.kinds)))
    return families[:, :, None] * kinds[:, None, :]


def family_posterior(joint: Floats) -> Floats:
    """P(family), `(n, families)`."""
    return joint.sum(axis=2)


def order_posterior(joint: Floats) -> Floats:
    """P(order), `(n, orders)`."""
    return family_posterior(joint).reshape(len(joint), -1, FAMILIES_PER_ORDER).sum(axis=2)


def _strengths(clarity: Floats, contrast: float) -> tuple[Floats, Floats]:
    """Strength of the body's and of the mark's colour: the family is seen longer than the kind."""
    return _FAINTEST_BODY + 0.75 * clarity**0.7, contrast * clarity


def _hues(count: int) -> Floats:
    turns = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(turns), np.sin(turns)], axis=1)


def _shares(shown: Floats, strengths: Floats, hues: Floats) -> Floats:
    """P(hue | colour shown, its strength), `(n, hues)`."""
    apart = ((shown[:, None] - strengths[:, None, None] * hues) ** 2).sum(axis=-1)
    likelihood = np.exp(-(apart - apart.min(axis=1, keepdims=True)) / (2 * NOISE**2))
    shares: Floats = likelihood / likelihood.sum(axis=1, keepdims=True)
    return shares
