"""From a raster of what is marked to contours in millimetres."""

import cv2
import numpy as np
from numpy.typing import NDArray

from physadv.core.coverage import Contour

ZOOM = 8
"""Contours run through the middles of pixels; of so much smaller ones they run along edges."""


def contours(marked: NDArray[np.uint8], size_mm: tuple[float, float]) -> tuple[Contour, ...]:
    """Return the outer contours, in mm and clockwise, of what is 1 in a raster over the frame."""
    scale = np.array([size_mm[1] / marked.shape[1], size_mm[0] / marked.shape[0]])
    large = cv2.resize(marked, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return tuple(sorted(_clockwise(one[:, 0] / ZOOM * scale) for one in found if len(one) > 2))


def _clockwise(points: NDArray[np.float64]) -> Contour:
    x, y = points.T
    turn = float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
    ordered = points[::-1] if turn < 0 else points
    return tuple((float(px), float(py)) for px, py in ordered)
