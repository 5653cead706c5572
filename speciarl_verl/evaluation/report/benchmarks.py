"""The paper's data sets and the groups that it averages over, by the `data_source` that data_prep writes.

Pure. Source: arXiv 2603.03197, section 4.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Data sets that are averaged; the average exists only where all of them were evaluated."""

    name: str
    title: str
    datasets: tuple[str, ...]


FINE_GRAINED = Group("fine_grained", "fine-grained", ("flowers102", "food101", "oxford_pets"))
VERY_FINE_GRAINED = Group("very_fine_grained", "very fine-grained", ("stanford_cars", "fgvc_aircraft"))
ALL = Group("all", "all five", FINE_GRAINED.datasets + VERY_FINE_GRAINED.datasets)
GROUPS = (FINE_GRAINED, VERY_FINE_GRAINED, ALL)

_TITLES = {
    "flowers102": "Flowers102",
    "food101": "Food101",
    "oxford_pets": "OxfordPets",
    "stanford_cars": "StanfordCars",
    "fgvc_aircraft": "FGVCAircraft",
    "cub": "CUB",
    "caltech101": "Caltech101",
}


def dataset_title(dataset: str) -> str:
    """The paper's name of a data set; its own name where the paper has none."""
    return _TITLES.get(dataset, dataset)


def in_reading_order(datasets: set[str]) -> list[str]:
    """The paper's order first, then everything else by name."""
    return [name for name in ALL.datasets if name in datasets] + sorted(datasets - set(ALL.datasets))
