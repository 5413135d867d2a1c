"""How much of each pixel a polygon covers, exactly."""

import numpy as np
from numpy.typing import NDArray

from physadv.core.types import Point

Array = NDArray[np.float64]
Contour = tuple[Point, ...]
"""A closed polygon; clockwise as seen (y down), a hole anticlockwise."""

Shape = tuple[Contour, ...]
"""One filled area: its outline, then its holes."""


def coverage(
    shapes: tuple[Shape, ...], size_mm: tuple[float, float], size: tuple[int, int]
) -> Array:
    """Return the covered share (h, w) of each pixel of a grid over the frame.

    Each shape is exact: the signed trapezia under its edges, summed along the rows (as font
    renderers do). Where shapes overlap the larger share counts.
    """
    total = np.zeros(size)
    scale = np.array([size[1] / size_mm[1], size[0] / size_mm[0]])
    for shape in shapes:
        np.maximum(total, _one(shape, scale, size), out=total)
    return total


def _one(shape: Shape, scale: Array, size: tuple[int, int]) -> Array:
    height, width = size
    edges = np.zeros((height + 1, width + 2))
    for contour in shape:
        _add(edges, contour, scale)
    covered: Array = np.cumsum(edges, axis=1)[:height, :width]
    return covered.clip(0, 1)


def _add(edges: Array, contour: Contour, scale: Array) -> None:
    """Add each edge, cut at the pixel lines, to the pixels it passes through."""
    points = np.asarray(contour) * scale
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        cuts = _cuts(start, end)
        path = start + cuts[:, None] * (end - start)
        middle = (path[1:] + path[:-1]) / 2
        column, row = np.floor(middle).astype(int).T
        drop = path[:-1, 1] - path[1:, 1]
        left = middle[:, 0] - column
        np.add.at(edges, (row, column), drop * (1 - left))
        np.add.at(edges, (row, column + 1), drop * left)


def _cuts(start: Array, end: Array) -> Array:
    """Return where, from 0 to 1 along the edge, it crosses pixel lines; with both ends."""
    cuts = [np.array([0.0, 1.0])]
    for a, b in zip(start, end, strict=True):
        lines = np.arange(np.ceil(min(a, b)), np.floor(max(a, b)) + 1)
        if a != b:
            cuts.append((lines - a) / (b - a))
    return np.sort(np.concatenate(cuts).clip(0, 1))
