"""What a warmed-up policy says of pictures it never saw: whether it knows the species, and hedges all the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

from recipes.quickstart.policy import PROMPT
from recipes.quickstart.responses import respond
from recipes.quickstart.sightings import Sighting
from recipes.quickstart.world import ROOT, SPECIES, Family, Visibility
from speciarl_verl.method.answer import extract_answer
from speciarl_verl.prompts import load_prompt


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
    families = {family.value for family in Family}
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
