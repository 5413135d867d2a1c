"""Outlines in millimetres: circles, octagons, polygons with rounded corners; x right, y down."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from physadv.core.coverage import Contour, Shape
from physadv.core.types import Point

Corner = tuple[float, float] | tuple[float, float, float]
"""A vertex (x, y), or (x, y, radius) where the corner is rounded."""

CIRCLE_POINTS = 256
ARC_STEP_RAD = math.radians(2)


def circle(centre: Point, radius: float) -> Contour:
    """Return a circle as a polygon of 256 points (area within 0.01 %), from its top."""
    angles = [2 * math.pi * k / CIRCLE_POINTS for k in range(CIRCLE_POINTS)]
    x, y = centre
    return tuple((x + radius * math.sin(a), y - radius * math.cos(a)) for a in angles)


def octagon(width: float, inset: float = 0.0) -> Contour:
    """Return the regular octagon in a square frame of `width`, its sides moved in by `inset`.

    Its area is 2(sqrt(2) - 1) times the square of its own width.
    """
    low, high = inset, width - inset
    cut = (high - low) / (2 + math.sqrt(2))
    near, far = low + cut, high - cut
    return (
        *((near, low), (far, low), (high, near), (high, far)),
        *((far, high), (near, high), (low, far), (low, near)),
    )


def rectangle(left: float, top: float, right: float, bottom: float) -> Contour:
    """Return an upright rectangle."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def polygon(corners: Sequence[Corner]) -> Contour:
    """Return a clockwise polygon with its corners rounded as each says."""
    return tuple(map(_point, rounded(corners, closed=True)))


def hole(contour: Contour) -> Contour:
    """Return the contour run backwards, which cuts it out of the shape it is in."""
    return contour[::-1]


def moved(shape: Shape, x: float, y: float) -> Shape:
    """Return the shape moved by (x, y)."""
    return tuple(tuple((px + x, py + y) for px, py in contour) for contour in shape)


def area(contour: Contour) -> float:
    """Return the signed area in mm²: positive clockwise (y down)."""
    points = np.asarray(contour)
    x, y = points.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def bounds(contours: Iterable[Contour]) -> tuple[Point, Point]:
    """Return the top left and bottom right corner of the bounding rectangle."""
    points = np.concatenate([np.asarray(contour) for contour in contours])
    return _point(points.min(0)), _point(points.max(0))


def rounded(corners: Sequence[Corner], *, closed: bool) -> NDArray[np.float64]:
    """Replace corners by arcs of the radius they ask for, or of the largest that fits: (N,2)."""
    points = np.array([corner[:2] for corner in corners], dtype=np.float64)
    radii = [corner[2] if len(corner) == 3 else 0.0 for corner in corners]
    pieces = []
    for k, radius in enumerate(radii):
        if radius <= 0 or (not closed and k in (0, len(radii) - 1)):
            pieces.append(points[k : k + 1])
            continue
        before, after = (k - 1) % len(radii), (k + 1) % len(radii)
        reach = min(
            _reach(points[k], points[side], shared=radii[side] > 0) for side in (before, after)
        )
        pieces.append(_arc(points[before], points[k], points[after], radius, reach))
    return np.concatenate(pieces)


def _reach(corner: NDArray[np.float64], other: NDArray[np.float64], *, shared: bool) -> float:
    return float(np.linalg.norm(other - corner)) * (0.5 if shared else 1.0)


def _arc(
    before: NDArray[np.float64],
    corner: NDArray[np.float64],
    after: NDArray[np.float64],
    radius: float,
    reach: float,
) -> NDArray[np.float64]:
    """Round one corner; the arc starts and ends at most `reach` from it."""
    into, out = _unit(corner - before), _unit(after - corner)
    turn = math.atan2(into[0] * out[1] - into[1] * out[0], float(into @ out))
    half_tan = math.tan(abs(turn) / 2)
    radius = min(radius, reach / half_tan)
    side = math.copysign(1.0, turn)
    start = corner - into * radius * half_tan
    centre = start + side * radius * np.array([-into[1], into[0]])
    steps = max(1, math.ceil(abs(turn) / ARC_STEP_RAD))
    angles = np.linspace(0, turn, steps + 1)[:, None]
    spoke = start - centre
    across = np.array([-spoke[1], spoke[0]])
    arc: NDArray[np.float64] = centre + np.cos(angles) * spoke + np.sin(angles) * across
    return arc


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _point(pair: Sequence[float] | NDArray[np.float64]) -> Point:
    return float(pair[0]), float(pair[1])
