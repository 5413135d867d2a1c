"""The area that a pen of constant width sweeps along a path."""

import numpy as np
from numpy.typing import NDArray

from physadv.core.coverage import Contour, Shape
from physadv.scene.signs.shapes import area, hole

Array = NDArray[np.float64]


def outline(path: Array, width: float, *, closed: bool) -> Shape:
    """Return the area swept along a path: mitred corners, ends cut square."""
    ahead = np.roll(path, -1, axis=0) - path
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True).clip(1e-12)
    after = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    before = np.roll(after, 1, axis=0)
    if not closed:
        before[0], after[-1] = after[0], after[-2]
    mitre = (before + after) / (1 + np.sum(before * after, axis=1, keepdims=True))
    left, right = _contour(path + mitre * width / 2), _contour(path - mitre * width / 2)
    if not closed:
        return (_clockwise(left + right[::-1]),)
    inner, outer = sorted((left, right), key=lambda contour: abs(area(contour)))
    return _clockwise(outer), hole(_clockwise(inner))


def trim(contour: Contour, box: Array) -> Contour:
    """Cut a contour to the box (Sutherland and Hodgman 1974, one side after another)."""
    points = np.asarray(contour)
    for axis, sign in ((0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)):
        inside = sign * points[:, axis] + (0.0 if sign > 0 else box[axis])
        points = _cut(points, inside)
    return _contour(points)


def _cut(points: Array, inside: Array) -> Array:
    """Keep the part of a polygon where the linear function `inside`, given at vertices, is >= 0."""
    kept: list[Array] = []
    for a, b, at_a, at_b in zip(
        points, np.roll(points, -1, axis=0), inside, np.roll(inside, -1), strict=True
    ):
        if at_a >= 0:
            kept.append(a)
        if (at_a >= 0) != (at_b >= 0):
            kept.append(a + (b - a) * at_a / (at_a - at_b))
    return np.array(kept)


def _clockwise(contour: Contour) -> Contour:
    return contour if area(contour) > 0 else contour[::-1]


def _contour(points: Array) -> Contour:
    return tuple((float(x), float(y)) for x, y in points)
