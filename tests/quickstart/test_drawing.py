import random

import numpy as np
import pytest

from recipes.quickstart.drawing import SIDE, draw
from recipes.quickstart.world import SPECIES, Colour, Family, Species, Visibility


def pixels(species: Species, visibility: Visibility, seed: int = 3) -> np.ndarray:
    return np.asarray(draw(species, visibility, random.Random(seed))).astype(int)


def test_draw_is_deterministic_and_of_the_size_the_policy_reads() -> None:
    first, again = (pixels(SPECIES[7], Visibility.CLEAR) for _ in range(2))
    assert first.shape == (SIDE, SIDE, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, pixels(SPECIES[7], Visibility.CLEAR, seed=4))


@pytest.mark.parametrize("family", Family)
def test_a_hidden_picture_is_the_same_whatever_the_colour(family: Family) -> None:
    pictures = [pixels(Species(colour, family), Visibility.HIDDEN) for colour in Colour]
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


def test_a_blurred_picture_is_the_same_whatever_the_species() -> None:
    pictures = [pixels(species, Visibility.BLURRED) for species in SPECIES]
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


@pytest.mark.parametrize("visibility", [Visibility.CLEAR, Visibility.HIDDEN])
def test_families_differ_by_silhouette(visibility: Visibility) -> None:
    pictures = [pixels(Species(Colour.AZURE, family), visibility) for family in Family]
    for index, picture in enumerate(pictures):
        for other in pictures[:index]:
            assert (np.abs(picture - other).max(axis=2) > 30).mean() > 0.05


@pytest.mark.parametrize("family", Family)
def test_a_clear_picture_shows_the_colour(family: Family) -> None:
    pictures = [pixels(Species(colour, family), Visibility.CLEAR) for colour in Colour]
    for index, picture in enumerate(pictures):
        for other in pictures[:index]:
            differing = np.abs(picture - other).max(axis=2) > 60
            assert 0.01 < differing.mean() < 0.25, "the crown, and nothing but the crown"
