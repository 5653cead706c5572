"""The four scores of Conti et al., as they are computed, reported and read again. Loads no model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SCORES = ("text_inclusion", "llama_inclusion", "semantic_similarity", "concept_similarity")


@dataclass(frozen=True)
class ContiScores:
    """The scores of one data set, or their means; TI, LI in [0, 1], SS, CS in [-1, 1].

    Attributes:
        notes: why a score is None, by the name of its attribute.
    """

    text_inclusion: float | None
    llama_inclusion: float | None
    semantic_similarity: float | None
    concept_similarity: float | None
    notes: Mapping[str, str] = field(default_factory=dict)
