"""Colours, figures and files: what all plots share."""

import warnings
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from speciarl_verl.files import whole_file

SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d1f")
"""Told apart with any colour vision (Okabe and Ito's, less yellow and black, and two more)."""
MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">")
INK = "#1a1a1a"
FAINT = "#8a8a8a"
GRID = "#e5e5e5"
DPI = 150
WIDTH = 8.0
"""Inches; at `DPI` a plot is 1200 pixels wide, and its smallest letters can be read at two thirds of that."""

_MISSING_GLYPH = "Glyph .* missing"
"""A model may answer in any script; what the font lacks shows as a box."""


def series_colour(number: int) -> str:
    """The colour of the `number`th series; they begin again after the last."""
    return SERIES[number % len(SERIES)]


def series_marker(number: int) -> str:
    """The marker of the `number`th series; it changes with the colour, and once more when the colours begin again."""
    return MARKERS[(number + number // len(MARKERS)) % len(MARKERS)]


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, in inches, that makes room for its labels."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def clear_frame(axes: Axes) -> None:
    """Leave the two axes and drop the rest of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name.png` and `name.svg`, each at once or not at all; equal figures give equal bytes.

    Raises:
        InputError: they cannot be written.
    """
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg")]
    with matplotlib.rc_context({"svg.hashsalt": "speciarl"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_MISSING_GLYPH)
        # The layout is worked out once, and not again for every file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for path in paths:
            with whole_file(path) as partial:
                metadata = {"Date": None} if path.suffix == ".svg" else None
                figure.savefig(partial, format=path.suffix[1:], metadata=metadata)
    return paths
