import re
from importlib.resources import files
from itertools import pairwise

import pytest

from speciarl_verl.evaluation.outcome_colours import DARK, LIGHT
from speciarl_verl.evaluation.records import OUTCOMES


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2: from 1 to 21."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tones", [LIGHT, DARK], ids=["light", "dark"])
def test_every_outcome_has_a_colour_of_its_own_on_which_ink_is_read(tones):
    assert tones.keys() == OUTCOMES.keys()
    assert len({tone.colour for tone in tones.values()}) == len(tones)
    # Level AA.
    assert min(contrast(tone.colour, tone.ink) for tone in tones.values()) >= 4.5


@pytest.mark.parametrize(("tones", "page"), [(LIGHT, "#ffffff"), (DARK, "#1d2024")], ids=["light", "dark"])
def test_the_more_is_said_the_further_a_category_is_from_the_page(tones, page):
    ladder = [contrast(tones[symbol].colour, page) for symbol in ("A", "G", "S-", "S", "S+")]
    assert all(less < more for less, more in pairwise(ladder))


def test_the_style_sheet_has_none_of_them():
    """They are written once."""
    style = files("speciarl_verl.evaluation.error_browser").joinpath("assets/style.css").read_text()
    assert not {tone.colour for tone in (*LIGHT.values(), *DARK.values())} & set(re.findall("#[0-9a-f]{6}", style))
    assert not re.search(r"\.c\d|--tone:", style)
