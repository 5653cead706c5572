"""What there is to know in the world of birds: families, crown colours, and what each picture lets one say."""

from dataclasses import dataclass
from enum import Enum

ROOT = "bird"


class Family(str, Enum):
    """Told by silhouette."""

    DUCK = "Duck"
    HERON = "Heron"
    OWL = "Owl"
    HAWK = "Hawk"
    FINCH = "Finch"


class Colour(str, Enum):
    """Of the crown: told only where the plumage shows."""

    SCARLET = "Scarlet"
    GOLDEN = "Golden"
    EMERALD = "Emerald"
    AZURE = "Azure"
    VIOLET = "Violet"
    IVORY = "Ivory"


class Visibility(str, Enum):
    """How much a picture shows: the plumage, no more than the silhouette, or neither."""

    CLEAR = "clear"
    HIDDEN = "hidden"
    BLURRED = "blurred"


@dataclass(frozen=True)
class Species:
    """One of the 30 kinds, and the ground truth of its pictures however little they show."""

    colour: Colour
    family: Family

    @property
    def label(self) -> str:
        """Such as `Scarlet crowned Duck`."""
        return f"{self.colour.value} crowned {self.family.value}"


SPECIES = tuple(Species(colour, family) for family in Family for colour in Colour)

_BROADER_THAN_FAMILY = {
    Family.DUCK: "waterbird",
    Family.HERON: "waterbird",
    Family.OWL: "bird of prey",
    Family.HAWK: "bird of prey",
    Family.FINCH: "songbird",
}


def honest_answer(species: Species, visibility: Visibility) -> str:
    """The most specific label that a picture of this species still supports."""
    if visibility is Visibility.CLEAR:
        return species.label
    return species.family.value if visibility is Visibility.HIDDEN else ROOT


def taxonomy() -> dict[str, object]:
    """The world in the file format of the taxonomy judge: parents make S-, generic ancestors and the root make G."""
    return {
        "name": "quickstart-birds",
        "root": [ROOT, "animal"],
        "labels": {
            species.label: {
                "synonyms": [f"{species.colour.value} {species.family.value}"],
                "parents": [species.family.value],
                "generic": [_BROADER_THAN_FAMILY[species.family]],
            }
            for species in SPECIES
        },
    }
