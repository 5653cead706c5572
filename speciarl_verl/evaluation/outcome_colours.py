"""The colour of each outcome of a sample, the same in every plot and in the error browser.

What counts as wrong in greys and vermilion; then from nothing said to all said, from close to the page to far from it.
"""

from dataclasses import dataclass

_BLACK, _WHITE = "#1a1a1a", "#ffffff"


@dataclass(frozen=True)
class Tone:
    """A colour, and the ink that is read on it."""

    colour: str
    ink: str


LIGHT = {
    "failed": Tone("#1a1a1a", _WHITE),
    "unparseable": Tone("#6b6b6b", _WHITE),
    "W": Tone("#d55e00", _BLACK),
    "A": Tone("#d9d9d9", _BLACK),
    "G": Tone("#b5d4ec", _BLACK),
    "S-": Tone("#62a3d4", _BLACK),
    "S": Tone("#1c62a5", _WHITE),
    "S+": Tone("#08264f", _WHITE),
}
"""On a light page, and in plots, which stack bars in this order."""
DARK = {
    "failed": Tone("#e8e8e8", _BLACK),
    "unparseable": Tone("#a3a3a3", _BLACK),
    "W": Tone("#f08a4b", _BLACK),
    "A": Tone("#5c6166", _WHITE),
    "G": Tone("#41719b", _WHITE),
    "S-": Tone("#62a3d4", _BLACK),
    "S": Tone("#9ccbf0", _BLACK),
    "S+": Tone("#d6ebfb", _BLACK),
}
"""On a dark page."""
