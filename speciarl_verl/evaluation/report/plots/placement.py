"""Names beside points, each where it covers least."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from speciarl_verl.evaluation.report.plots.canvas import INK, freeze_layout

_DIRECTIONS = 16
_DISTANCES = (7.0, 14.0, 24.0)
"""Points between a marker's middle and its name; the nearest that is free is taken."""
_MARKER = 10.0
"""Pixels from a marker's middle to its edge."""


@dataclass(frozen=True)
class NamedPoint:
    """A point in data coordinates, and its name."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class _Place:
    """Where a name's middle lies from its point, in points."""

    right: float
    up: float
    distance: float


def label_points(
    figure: Figure, axes: Axes, named: Sequence[NamedPoint], others: Sequence[tuple[float, float]]
) -> None:
    """Write each name next to its point, off the other points, names and the frame.

    Args:
        others: x and y, in data coordinates, of points without a name that are to stay visible.
    """
    freeze_layout(figure)
    frame = axes.get_window_extent()
    taken = [_marker_box(axes, x, y) for x, y in [*((point.x, point.y) for point in named), *others]]
    for point in named:
        label = _write(axes, point)
        box = label.get_window_extent()
        best = min(
            _places(box, axes.figure.dpi),
            key=lambda place: (_covered(_box(axes, label, box, place), taken, frame), place.distance),
        )
        label.set_position((best.right, best.up))
        taken.append(_box(axes, label, box, best))


def _write(axes: Axes, point: NamedPoint) -> Annotation:
    label = axes.annotate(
        point.name,
        (point.x, point.y),
        (0, 0),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=8.5,
        color=INK,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )
    label.set_in_layout(False)
    return label


def _places(box: Bbox, dpi: float) -> Iterator[_Place]:
    wide, high = (size * 72 / dpi / 2 for size in (box.width, box.height))
    for distance in _DISTANCES:
        for step in range(_DIRECTIONS):
            angle = 2 * pi * step / _DIRECTIONS
            yield _Place(cos(angle) * (distance + wide), sin(angle) * (distance + high), distance)


def _box(axes: Axes, label: Annotation, box: Bbox, place: _Place) -> Bbox:
    pixels = axes.figure.dpi / 72
    middle = axes.transData.transform(label.xy)
    x, y = middle[0] + place.right * pixels, middle[1] + place.up * pixels
    return Bbox.from_bounds(x - box.width / 2, y - box.height / 2, box.width, box.height)


def _marker_box(axes: Axes, x: float, y: float) -> Bbox:
    middle = axes.transData.transform((x, y))
    return Bbox([middle - _MARKER, middle + _MARKER])


def _covered(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> int:
    """Pixels of the box that lie on something, or outside the frame."""
    total = _area(box) - _area(Bbox.intersection(box, frame))
    return round(total + sum(_area(Bbox.intersection(box, other)) for other in taken))


def _area(box: Bbox | None) -> float:
    return 0.0 if box is None else float(box.width * box.height)
