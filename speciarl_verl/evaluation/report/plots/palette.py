"""The bar that is stacked of the outcomes of samples, and its legend: the same in every figure."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from speciarl_verl.evaluation.outcome_colours import LIGHT
from speciarl_verl.method.category import Category

_LABELS = {category.symbol: f"{category.symbol}  {category.label}" for category in Category}
_ROOM = 0.05
"""Share of a bar that holds its symbol."""


def draw_outcomes(axes: Axes, y: float, shares: Mapping[str, float], height: float) -> None:
    """A horizontal bar of shares, by the symbols of the outcomes; what is not given is 0."""
    left = 0.0
    for symbol, tone in LIGHT.items():
        share = shares.get(symbol, 0.0)
        axes.barh(y, share, left=left, height=height, color=tone.colour)
        if share >= _ROOM and symbol in _LABELS:
            axes.text(left + share / 2, y, symbol, ha="center", va="center", color=tone.ink, fontsize=9)
        left += share


def outcome_handles(symbols: Collection[str] = tuple(LIGHT)) -> list[Patch]:
    """Of a legend."""
    return [
        Patch(color=LIGHT[symbol].colour, label=_LABELS.get(symbol, symbol)) for symbol in LIGHT if symbol in symbols
    ]
