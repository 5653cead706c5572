"""How the policy hedges before it is trained: which rung of the ladder it names, by prompt, evidence and habit.

The constants were found in simulation (no network) so that greedy answers on the fine-grained domains stand where the
paper's zero-shot model stands, and the best of 64 samples where its bound does. As with large models the rung depends
too little on how sure the policy could be, and as much on what should not matter: here the scenery (`habit`). That it
can tell shows when it is asked to be calibrated.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from recipes.study.evidence import Evidence, Floats, family_posterior
from speciarl_verl.prompts import load_prompt


class Rung(str, Enum):
    """What an answer names; the value is what the policy thinks before it answers."""

    KIND = "kind"
    FAMILY = "family"
    ORDER = "order"
    ROOT = "broad"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Inclination:
    """How a prompt inclines: a constant for each rung, and what certainty and habit weigh; see `rungs`."""

    kind: float
    family: float
    order: float
    root: float
    nothing: float
    certainty: float
    habit: float


PROMPTS = {
    "short": Inclination(-0.15, -0.05, 0.7, -0.53, -3.0, certainty=3.8, habit=2.56),
    "be-specific": Inclination(-0.15, 0.6, 0.0, -1.7, -3.0, certainty=3.8, habit=2.56),
    "calibrated": Inclination(-1.5, 0.0, 0.0, -1.0, -5.0, certainty=14.0, habit=0.0),
}
"""The prompts that the policy knows; training uses the first."""
WORDING = {
    "short": load_prompt("short"),
    "be-specific": "What is this? Be specific. Answer inside <answer>.",
    "calibrated": "What is this? Say what you are sure of. Answer inside <answer>.",
}
"""Of the prompts; those of the package are four times as long, and so would the warm-up be."""

_AGAINST_ORDER, _AGAINST_ROOT = 0.12, 0.32


def rungs(evidence: Evidence, prompt: str) -> Floats:
    """P(rung), `(n, rungs)` in the order of `Rung`."""
    inclined = PROMPTS[prompt]
    of_kind = inclined.certainty * (evidence.posterior.max(axis=(1, 2)) - 0.45)
    of_family = 0.68 * inclined.certainty * (family_posterior(evidence.posterior).max(axis=1) - 0.7)
    committed = of_kind + inclined.habit * evidence.habit
    logits = np.stack(
        [
            inclined.kind + committed,
            inclined.family + of_family,
            inclined.order - _AGAINST_ORDER * committed,
            inclined.root - _AGAINST_ROOT * committed,
            np.full_like(of_kind, inclined.nothing),
        ],
        axis=1,
    )
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares
