"""Pictures of the bird world that belong to no data set, each with what is known about it."""

import random
from dataclasses import dataclass

from PIL import Image
from tqdm import trange

from recipes.quickstart.drawing import draw
from recipes.quickstart.world import SPECIES, Species, Visibility


@dataclass(frozen=True)
class Sighting:
    """A picture and what is known about it."""

    picture: Image.Image
    species: Species
    visibility: Visibility


def see(count: int, seed: str) -> list[Sighting]:
    """Any species in any visibility; `seed` is a text of words, such as the data set draws none from."""
    chance = random.Random(seed)
    seen = []
    for _ in trange(count, desc=f"rendering {seed}", unit="picture"):
        species, visibility = chance.choice(SPECIES), chance.choice(tuple(Visibility))
        seen.append(Sighting(draw(species, visibility, chance), species, visibility))
    return seen
