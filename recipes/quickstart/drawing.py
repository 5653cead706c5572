"""Draws one bird: 56 x 56 pixels that show the species, its silhouette, or only that a bird is there.

What a picture must not show is never drawn: a hidden picture is drawn without a colour, a blurred one without a family.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from recipes.quickstart.world import Colour, Family, Species, Visibility

SIDE = 56
_SUPERSAMPLING = 4
_CANVAS = SIDE * _SUPERSAMPLING
_BLUR = 4.5 * _SUPERSAMPLING
"""Standard deviation in canvas pixels."""
_NOISE = 4.0
"""Standard deviation in levels of 255."""

Point = tuple[float, float]
Tone = tuple[int, int, int]

_CROWN: dict[Colour, Tone] = {
    Colour.SCARLET: (216, 34, 40),
    Colour.GOLDEN: (246, 184, 20),
    Colour.EMERALD: (16, 150, 70),
    Colour.AZURE: (30, 110, 235),
    Colour.VIOLET: (140, 50, 190),
    Colour.IVORY: (255, 250, 232),
}


@dataclass(frozen=True)
class Pose:
    """Where the bird sits: unit coordinates (x right, y down, the bird within [-1, 1]) to canvas pixels."""

    x: float
    y: float
    scale: float
    angle: float
    facing: int

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Turn, mirror, scale and shift."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        placed = []
        for x, y in points:
            x *= self.facing
            placed.append((self.x + self.scale * (x * cos - y * sin), self.y + self.scale * (x * sin + y * cos)))
        return placed


@dataclass(frozen=True)
class Plumage:
    """Tones of the parts of a bird."""

    body: Tone
    wing: Tone
    crown: Tone
    bare: Tone
    eye: Tone


class Brush:
    """Draws shapes given in the bird's own coordinates."""

    def __init__(self, canvas: Image.Image, pose: Pose) -> None:
        self._draw = ImageDraw.Draw(canvas)
        self._pose = pose

    def polygon(self, tone: Tone, *points: Point) -> None:
        """A filled polygon."""
        self._draw.polygon(self._pose.place(points), fill=tone)

    def ellipse(self, tone: Tone, x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> None:
        """A filled ellipse, its axes turned by `tilt` radians."""
        turns = [2 * math.pi * step / 40 for step in range(40)]
        cos, sin = math.cos(tilt), math.sin(tilt)
        rim = [(rx * math.cos(turn), ry * math.sin(turn)) for turn in turns]
        self.polygon(tone, *[(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in rim])

    def stroke(self, tone: Tone, width: float, *points: Point) -> None:
        """A line with round joints; `width` in the bird's units."""
        pixels = max(1, round(width * self._pose.scale))
        self._draw.line(self._pose.place(points), fill=tone, width=pixels, joint="curve")
        for x, y in points:
            self.ellipse(tone, x, y, width / 2, width / 2)


def _draw_duck(brush: Brush, plumage: Plumage) -> None:
    brush.polygon(plumage.body, (-0.62, 0.05), (-1.0, -0.12), (-0.86, 0.22), (-0.6, 0.5))
    brush.ellipse(plumage.body, -0.12, 0.32, 0.72, 0.36)
    brush.ellipse(plumage.wing, -0.22, 0.28, 0.42, 0.18, 0.15)
    brush.polygon(plumage.bare, (0.6, -0.52), (1.0, -0.36), (1.0, -0.24), (0.6, -0.24))
    brush.polygon(plumage.crown, (0.22, -0.3), (0.2, 0.12), (0.6, 0.16), (0.66, -0.3))
    brush.ellipse(plumage.crown, 0.44, -0.38, 0.29, 0.27)
    brush.ellipse(plumage.eye, 0.52, -0.44, 0.05, 0.05)


def _draw_heron(brush: Brush, plumage: Plumage) -> None:
    brush.stroke(plumage.bare, 0.06, (-0.12, 0.3), (-0.16, 0.98), (-0.02, 0.98))
    brush.stroke(plumage.bare, 0.06, (0.06, 0.3), (0.1, 0.98), (0.24, 0.98))
    brush.polygon(plumage.body, (-0.4, 0.12), (-0.82, 0.5), (-0.3, 0.4))
    brush.ellipse(plumage.body, -0.12, 0.18, 0.44, 0.22, -0.35)
    brush.ellipse(plumage.wing, -0.2, 0.22, 0.28, 0.12, -0.35)
    brush.stroke(plumage.body, 0.16, (0.18, 0.04), (0.3, -0.2), (0.14, -0.46))
    brush.polygon(plumage.bare, (0.4, -0.92), (1.0, -0.72), (0.4, -0.72))
    brush.stroke(plumage.crown, 0.2, (0.16, -0.44), (0.24, -0.7))
    brush.polygon(plumage.crown, (0.2, -0.98), (-0.3, -0.74), (0.2, -0.7))
    brush.ellipse(plumage.crown, 0.28, -0.8, 0.23, 0.18)
    brush.ellipse(plumage.eye, 0.34, -0.83, 0.045, 0.045)


def _draw_owl(brush: Brush, plumage: Plumage) -> None:
    brush.ellipse(plumage.body, 0.0, 0.3, 0.5, 0.62)
    brush.ellipse(plumage.wing, -0.36, 0.32, 0.16, 0.48, 0.12)
    brush.ellipse(plumage.wing, 0.36, 0.32, 0.16, 0.48, -0.12)
    brush.polygon(plumage.crown, (-0.56, -0.46), (-0.56, -1.0), (-0.1, -0.7))
    brush.polygon(plumage.crown, (0.56, -0.46), (0.56, -1.0), (0.1, -0.7))
    brush.ellipse(plumage.crown, 0.0, -0.42, 0.58, 0.4)
    brush.ellipse(plumage.wing, -0.25, -0.34, 0.2, 0.2)
    brush.ellipse(plumage.wing, 0.25, -0.34, 0.2, 0.2)
    brush.ellipse(plumage.eye, -0.24, -0.34, 0.1, 0.1)
    brush.ellipse(plumage.eye, 0.24, -0.34, 0.1, 0.1)
    brush.polygon(plumage.bare, (-0.08, -0.26), (0.08, -0.26), (0.0, -0.06))
    brush.stroke(plumage.bare, 0.09, (-0.16, 0.9), (-0.16, 0.98))
    brush.stroke(plumage.bare, 0.09, (0.16, 0.9), (0.16, 0.98))


def _draw_hawk(brush: Brush, plumage: Plumage) -> None:
    for side in (-1, 1):
        wing = [(0.08, -0.3), (0.5, -0.5), (1.0, -0.34), (0.98, -0.06), (0.8, 0.0), (0.6, 0.14), (0.1, 0.24)]
        brush.polygon(plumage.body, *[(side * x, y) for x, y in wing])
        brush.polygon(plumage.wing, *[(side * x, y) for x, y in [(0.55, 0.05), (0.98, -0.06), (1.0, -0.34)]])
    brush.polygon(plumage.wing, (-0.08, 0.4), (-0.34, 0.84), (0.0, 0.94), (0.34, 0.84), (0.08, 0.4))
    brush.ellipse(plumage.body, 0.0, 0.08, 0.2, 0.48)
    brush.ellipse(plumage.crown, 0.0, -0.4, 0.25, 0.32)
    brush.polygon(plumage.bare, (-0.1, -0.68), (0.1, -0.68), (0.0, -0.88))
    brush.ellipse(plumage.eye, -0.12, -0.54, 0.045, 0.045)
    brush.ellipse(plumage.eye, 0.12, -0.54, 0.045, 0.045)


def _draw_finch(brush: Brush, plumage: Plumage) -> None:
    brush.stroke(plumage.bare, 0.07, (-0.1, 0.5), (-0.06, 0.88), (0.1, 0.88))
    brush.stroke(plumage.bare, 0.07, (0.12, 0.5), (0.16, 0.88), (0.32, 0.88))
    brush.polygon(plumage.wing, (-0.3, 0.14), (-1.0, 0.62), (-0.84, 0.86), (-0.2, 0.5))
    brush.ellipse(plumage.body, 0.0, 0.2, 0.54, 0.44, 0.35)
    brush.ellipse(plumage.wing, -0.16, 0.24, 0.36, 0.2, -0.5)
    brush.polygon(plumage.bare, (0.58, -0.56), (0.98, -0.26), (0.56, -0.14))
    brush.ellipse(plumage.crown, 0.32, -0.36, 0.38, 0.36)
    brush.ellipse(plumage.eye, 0.44, -0.4, 0.06, 0.06)


_DRAW: dict[Family, Callable[[Brush, Plumage], None]] = {
    Family.DUCK: _draw_duck,
    Family.HERON: _draw_heron,
    Family.OWL: _draw_owl,
    Family.HAWK: _draw_hawk,
    Family.FINCH: _draw_finch,
}


def draw(species: Species, visibility: Visibility, chance: random.Random) -> Image.Image:
    """One picture of a bird, RGB, `SIDE` x `SIDE`; pose, tones and scenery come from `chance`."""
    canvas = _scenery(chance)
    pose = Pose(
        x=_CANVAS * chance.uniform(0.45, 0.55),
        y=_CANVAS * chance.uniform(0.45, 0.55),
        scale=_CANVAS * chance.uniform(0.36, 0.45),
        angle=chance.uniform(-0.15, 0.15),
        facing=chance.choice((-1, 1)),
    )
    brush = Brush(canvas, pose)
    grey = chance.randint(0, 40)
    if visibility is Visibility.CLEAR:
        tones = Plumage(
            body=(120 + grey, 108 + grey, 96 + grey),
            wing=(88 + grey, 78 + grey, 70 + grey),
            crown=_CROWN[species.colour],
            bare=(70, 56, 44),
            eye=(12, 12, 12),
        )
        _DRAW[species.family](brush, tones)
    elif visibility is Visibility.HIDDEN:
        shade = (20 + grey, 22 + grey, 28 + grey)
        _DRAW[species.family](brush, Plumage(shade, shade, shade, shade, shade))
    else:
        shade = (70 + grey, 66 + grey, 64 + grey)
        brush.ellipse(shade, 0.0, 0.1, chance.uniform(0.5, 0.8), chance.uniform(0.5, 0.8))
        canvas = canvas.filter(ImageFilter.GaussianBlur(_BLUR))
    return _with_noise(canvas.resize((SIDE, SIDE), Image.Resampling.BOX), chance)


def _scenery(chance: random.Random) -> Image.Image:
    """Pale sky over land or water, with shapes of foliage: as light as plumage is not, and the same for every bird."""
    top = [chance.randint(185, 225), chance.randint(195, 225), chance.randint(195, 235)]
    bottom = [chance.randint(165, 205), chance.randint(170, 205), chance.randint(150, 190)]
    weight = np.linspace(0.0, 1.0, _CANVAS)[:, None, None]
    gradient = (1 - weight) * np.array(top) + weight * np.array(bottom)
    canvas = Image.fromarray(np.broadcast_to(gradient, (_CANVAS, _CANVAS, 3)).astype(np.uint8))
    pen = ImageDraw.Draw(canvas)
    for _ in range(chance.randint(2, 5)):
        x, y = chance.uniform(0, _CANVAS), chance.uniform(0, _CANVAS)
        rx, ry = chance.uniform(10, 50), chance.uniform(6, 24)
        shift = chance.randint(-22, 22)
        tone = tuple(level + shift for level in (top if y < _CANVAS / 2 else bottom))
        pen.ellipse((x - rx, y - ry, x + rx, y + ry), fill=tone)
    return canvas


def _with_noise(picture: Image.Image, chance: random.Random) -> Image.Image:
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0.0, _NOISE, (SIDE, SIDE, 3))
    return Image.fromarray((np.asarray(picture) + noise).round().clip(0, 255).astype(np.uint8))
