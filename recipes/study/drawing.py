"""Draws 56 x 56 pixels: the domain by its silhouette, the family by the body's colour, the kind by the mark's.

The silhouettes are drawn once, in some poses, as coverage by body, mark and dark parts; pictures are mixed from these.
"""

import math
import random
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from recipes.quickstart.drawing import SIDE, Brush, Pose
from recipes.study.evidence import Evidence, Floats

Pictures = npt.NDArray[np.uint8]

_POSES = 32
_CANVAS = 4 * SIDE
_NOISE = 4.0
"""Standard deviation in levels of 255."""
_GREY = 120.0
_LEVELS_PER_LENGTH = 80.0
# Red, green and blue as three directions of the plane of hues.
_RGB = np.array([[math.cos(turn), math.sin(turn)] for turn in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)])

# A part's tone on the canvas is the channel in which its coverage is kept.
_BODY, _MARK, _DARK = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def _bird(brush: Brush) -> None:
    brush.polygon(_BODY, (-0.5, 0.1), (-1.0, -0.1), (-0.9, 0.3), (-0.5, 0.6))
    brush.ellipse(_BODY, -0.05, 0.35, 0.75, 0.5)
    brush.polygon(_DARK, (0.62, -0.5), (1.0, -0.3), (0.62, -0.15))
    brush.ellipse(_MARK, 0.3, -0.4, 0.42, 0.42)
    brush.ellipse(_DARK, 0.44, -0.5, 0.07, 0.07)
    brush.stroke(_DARK, 0.08, (-0.1, 0.8), (-0.1, 1.0), (0.1, 1.0))


def _flower(brush: Brush) -> None:
    brush.stroke(_DARK, 0.12, (0.0, 0.3), (0.05, 1.0))
    for petal in range(6):
        turn = petal * math.pi / 3
        brush.ellipse(_BODY, 0.5 * math.cos(turn), -0.2 + 0.5 * math.sin(turn), 0.36, 0.3, turn)
    brush.ellipse(_MARK, 0.0, -0.2, 0.42, 0.42)


def _dish(brush: Brush) -> None:
    brush.ellipse(_DARK, 0.0, 0.0, 1.0, 0.8)
    brush.ellipse(_BODY, 0.0, 0.0, 0.9, 0.7)
    brush.ellipse(_MARK, 0.05, -0.05, 0.45, 0.4)


def _pet(brush: Brush) -> None:
    brush.polygon(_DARK, (-0.6, -0.3), (-0.7, -1.0), (-0.1, -0.6))
    brush.polygon(_DARK, (0.6, -0.3), (0.7, -1.0), (0.1, -0.6))
    brush.ellipse(_BODY, 0.0, 0.1, 0.8, 0.8)
    brush.ellipse(_MARK, 0.0, 0.4, 0.45, 0.4)
    brush.ellipse(_DARK, -0.3, -0.15, 0.1, 0.1)
    brush.ellipse(_DARK, 0.3, -0.15, 0.1, 0.1)


def _car(brush: Brush) -> None:
    brush.polygon(_BODY, (-1.0, 0.5), (-1.0, 0.0), (1.0, 0.0), (1.0, 0.5))
    brush.polygon(_MARK, (-0.7, 0.05), (-0.4, -0.6), (0.4, -0.6), (0.75, 0.05))
    brush.ellipse(_DARK, -0.55, 0.5, 0.24, 0.24)
    brush.ellipse(_DARK, 0.55, 0.5, 0.24, 0.24)


def _aircraft(brush: Brush) -> None:
    brush.polygon(_MARK, (-0.25, 0.0), (-0.7, 0.9), (-0.2, 0.9), (0.5, 0.0), (-0.2, -0.9), (-0.7, -0.9))
    brush.ellipse(_BODY, 0.0, 0.0, 1.0, 0.26)
    brush.polygon(_BODY, (-0.7, 0.0), (-1.0, -0.6), (-0.8, -0.6), (-0.4, 0.0))
    brush.ellipse(_DARK, 0.75, -0.06, 0.12, 0.08)


_SILHOUETTES: Mapping[str, Callable[[Brush], None]] = {
    "birds": _bird,
    "flowers": _flower,
    "food": _dish,
    "pets": _pet,
    "cars": _car,
    "aircraft": _aircraft,
}


def render(evidence: Evidence, chance: np.random.Generator) -> Pictures:
    """`(n, 56, 56, 3)`; pose and pixel noise come from `chance`, the scenery's lightness from the habit, and
    the dark parts' depth from the clarity."""
    coverage = _coverage(evidence.domain.name)[chance.integers(_POSES, size=len(evidence))]
    light = (195 + 20 * evidence.habit.clip(-2.5, 2.5))[:, None, None, None]
    body, mark = (_tone(shown)[:, None, None] for shown in (evidence.body, evidence.mark))
    dark = (100 - 75 * evidence.clarity)[:, None, None, None]
    parts = [coverage[..., part, None] for part in range(3)]
    picture = light * (1 - sum(parts)) + body * parts[0] + mark * parts[1] + dark * parts[2]
    picture += _NOISE * chance.standard_normal(picture.shape, dtype=np.float32)
    return picture.round().clip(0, 255).astype(np.uint8)


def _tone(shown: Floats) -> Floats:
    """The colour of points of the plane of hues, `(n, 3)`."""
    return _GREY + _LEVELS_PER_LENGTH * shown @ _RGB.T


@cache
def _coverage(domain: str) -> Floats:
    """`(poses, 56, 56, 3)`, fractions in [0, 1] covered by body, mark and dark parts."""
    chance = random.Random(f"poses of {domain}")
    drawn = []
    for _ in range(_POSES):
        canvas = Image.new("RGB", (_CANVAS, _CANVAS))
        pose = Pose(
            x=_CANVAS * chance.uniform(0.46, 0.54),
            y=_CANVAS * chance.uniform(0.46, 0.54),
            scale=_CANVAS * chance.uniform(0.38, 0.45),
            angle=chance.uniform(-0.12, 0.12),
            facing=chance.choice((-1, 1)),
        )
        _SILHOUETTES[domain](Brush(canvas, pose))
        drawn.append(np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BOX)) / 255.0)
    return np.stack(drawn)
