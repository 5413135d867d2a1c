"""Words and numbers drawn with a pen of constant width along lines and arcs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from physadv.core.coverage import Shape
from physadv.core.types import Point
from physadv.scene.signs.pen import outline, trim
from physadv.scene.signs.shapes import Corner, moved, rounded

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stroke:
    """A path of the pen's middle in the glyph's box: x and y run from 0 to 1 between the pen's
    extreme positions. A third number rounds the corner (in half widths; as far as it fits).
    """

    corners: tuple[Corner, ...]
    closed: bool = False


@dataclass(frozen=True)
class Glyph:
    """Strokes, trimmed to a box `width` wide; lengths in cap heights."""

    width: float
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True)
class Alphabet:
    """Glyphs of one pen; `gap` between neighbours, with exceptions by pair; in cap heights."""

    pen: float
    gap: float
    glyphs: Mapping[str, Glyph]
    gaps: Mapping[str, float]


def lettering(
    text: str, alphabet: Alphabet, height_mm: float, centre_mm: Point
) -> tuple[Shape, ...]:
    """Set a word in capitals or digits `height_mm` high, centred on a point."""
    gaps = [alphabet.gaps.get(a + b, alphabet.gap) for a, b in pairwise(text)]
    widths = [alphabet.glyphs[letter].width for letter in text]
    total = sum(widths) + sum(gaps)
    left, top = centre_mm[0] - total * height_mm / 2, centre_mm[1] - height_mm / 2
    shapes: list[Shape] = []
    for letter, width, gap in zip(text, widths, [*gaps, 0.0], strict=True):
        glyph = _glyph(alphabet.glyphs[letter], alphabet.pen, height_mm)
        shapes += [moved(shape, left, top) for shape in glyph]
        left += (width + gap) * height_mm
    return tuple(shapes)


def _glyph(glyph: Glyph, pen: float, height: float) -> list[Shape]:
    box = np.array([glyph.width, 1.0]) * height
    shapes = []
    for stroke in glyph.strokes:
        path = _path(stroke, box, pen * height)
        contours = outline(path, pen * height, closed=stroke.closed)
        shapes.append(tuple(trim(contour, box) for contour in contours))
    return shapes


def _path(stroke: Stroke, box: Array, pen: float) -> Array:
    """Place a stroke's middle line in a box in mm."""
    room = box - pen
    placed: list[Corner] = []
    for corner in stroke.corners:
        radius = corner[2] * room[0] / 2 if len(corner) == 3 else 0.0
        placed.append((pen / 2 + corner[0] * room[0], pen / 2 + corner[1] * room[1], radius))
    return rounded(placed, closed=stroke.closed)
