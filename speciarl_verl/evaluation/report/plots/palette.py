"""The colours of the outcomes of a sample, and the bar that is stacked of them: the same in every figure."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from speciarl_verl.evaluation.report.plots.canvas import INK
from speciarl_verl.method.category import Category

# What counts as wrong in dark greys and vermilion, then from nothing said to all said, pale to dark blue.
COLOURS = {
    "failed": "#1a1a1a",
    "unparseable": "#6b6b6b",
    "W": "#d55e00",
    "A": "#d9d9d9",
    "G": "#b5d4ec",
    "S-": "#62a3d4",
    "S": "#1c62a5",
    "S+": "#08264f",
}
_LABELS = {category.symbol: f"{category.symbol}  {category.label}" for category in Category}
_PALE = {"A", "G"}
_ROOM = 0.05
"""Share of a bar that holds its symbol."""


def draw_outcomes(axes: Axes, y: float, shares: Mapping[str, float], height: float) -> None:
    """A horizontal bar of shares, by the symbols of the outcomes; what is not given is 0."""
    left = 0.0
    for symbol, colour in COLOURS.items():
        share = shares.get(symbol, 0.0)
        axes.barh(y, share, left=left, height=height, color=colour)
        if share >= _ROOM and symbol in _LABELS:
            ink = INK if symbol in _PALE else "white"
            axes.text(left + share / 2, y, symbol, ha="center", va="center", color=ink, fontsize=9)
        left += share


def outcome_handles(symbols: Collection[str] = tuple(COLOURS)) -> list[Patch]:
    """Of a legend."""
    return [Patch(color=COLOURS[symbol], label=_LABELS.get(symbol, symbol)) for symbol in COLOURS if symbol in symbols]
