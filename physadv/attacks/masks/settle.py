"""From rectangles that a search moved to ones that may be cut: apart, in the field, off letters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from physadv.core import Face
from physadv.core.coverage import Contour
from physadv.patch import Limits, apart_mm

WIDE_PX = 256
GAP_MM = 10.0
SAFE = 0.95
SHRINK = 0.9
SMALLER_MM = 100.0
"""How far a rectangle would rather move than lose all of its size."""
Raster = NDArray[np.float32]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle on a frame: its middle, its sides and how far it is turned clockwise, as seen."""

    x_mm: float
    y_mm: float
    long_mm: float
    wide_mm: float
    turn_rad: float

    @property
    def contour(self) -> Contour:
        """Its corners, (x, y) mm, clockwise."""
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        along, across = self.long_mm / 2, self.wide_mm / 2
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ends = [(u * along, v * across) for u, v in signs]
        return tuple(
            (self.x_mm + u * cos - v * sin, self.y_mm + u * sin + v * cos) for u, v in ends
        )

    def mirrored(self, width_mm: float) -> "Rectangle":
        """Return its image in the vertical axis of a frame."""
        return replace(self, x_mm=width_mm - self.x_mm, turn_rad=-self.turn_rad)


def settled(
    wanted: Sequence[Rectangle | None], face: Face, limits: Limits
) -> list[Rectangle | None]:
    """Return each rectangle at the nearest free place, smaller where that is nearer; or None.

    Free is what lies in the field, keeps `GAP_MM` to those settled before (the largest first) and
    covers of the letters what the limits allow. With `limits.symmetric` they are those of the left
    half, and their mirror images are kept free, too.
    """
    ground, found = _Ground(face, limits), list(wanted)
    sizes = [0.0 if one is None else one.long_mm * one.wide_mm for one in wanted]
    for index in sorted(range(len(found)), key=lambda k: -sizes[k]):
        one = found[index]
        found[index] = None if one is None else ground.settle(one)
    return found


class _Ground:
    """What is still free on a raster, and how much of the letters may still be covered."""

    def __init__(self, face: Face, limits: Limits) -> None:
        self.limits, self.size_mm = limits, face.size_mm
        self.pixel_mm = face.size_mm[1] / WIDE_PX
        shape = (round(face.size_mm[0] / self.pixel_mm), WIDE_PX)
        closed = F.adaptive_max_pool2d(1 - face.field, shape)[0, 0] > 0.02
        if limits.away_mm > 0:
            near = -F.adaptive_max_pool2d(-apart_mm(face), shape)[0, 0]
            closed |= near < limits.away_mm + self.pixel_mm
        self.closed: Raster = closed.numpy().astype(np.float32)
        strokes = F.adaptive_avg_pool2d(face.legend, shape)[0, 0].numpy().astype(np.float32)
        self.strokes: Raster = strokes / max(float(strokes.sum()), 1e-12)
        self.allowed = SAFE * limits.legend_pct / 100
        if limits.allow_legend:
            self.strokes = self.strokes * 0
        if limits.symmetric:
            self.closed = np.maximum(self.closed, self.closed[:, ::-1])
            self.closed[:, int((WIDE_PX - GAP_MM / self.pixel_mm) / 2) :] = 1
            self.strokes = self.strokes + self.strokes[:, ::-1]

    def settle(self, one: Rectangle) -> Rectangle | None:
        """Return the rectangle where it fits, and close that place; None where it does not."""
        fitting: list[tuple[float, Rectangle]] = []
        for smaller in _sizes(one, self.limits.min_mm):
            lost = 1 - math.sqrt(smaller.long_mm * smaller.wide_mm / one.long_mm / one.wide_mm)
            cost, found = self._nearest(smaller)
            if found is not None:
                fitting.append((cost + SMALLER_MM * lost, found))
        if not fitting:
            return None
        best = min(fitting, key=lambda pair: pair[0])[1]
        shape = self._drawn(best, 0.0)
        self.allowed -= float((self.strokes * shape).sum())
        self.closed = np.maximum(self.closed, self._drawn(best, GAP_MM))
        return best

    def _nearest(self, one: Rectangle) -> tuple[float, Rectangle | None]:
        """Return the nearest free place of a rectangle of this size, and how far that is in mm."""
        kernel = self._kernel(one)
        clear = _sums(self.closed, kernel, 1.0) < 0.5
        clear &= _sums(self.strokes, kernel, 0.0) <= self.allowed
        if not clear.any():
            return math.inf, None
        y, x = ((axis + 0.5) * self.pixel_mm for axis in clear.nonzero())
        apart = np.hypot(x - one.x_mm, y - one.y_mm)
        nearest = int(apart.argmin())
        moved = replace(one, x_mm=float(x[nearest]), y_mm=float(y[nearest]))
        return float(apart[nearest]), moved

    def _kernel(self, one: Rectangle) -> Raster:
        """Return the rectangle about the middle of an odd square raster; a pixel touched is in."""
        half = math.ceil(math.hypot(one.long_mm, one.wide_mm) / 2 / self.pixel_mm) + 1
        centre = (half + 0.5) * self.pixel_mm
        blank = np.zeros((2 * half + 1, 2 * half + 1), dtype=np.float32)
        return self._fill(blank, replace(one, x_mm=centre, y_mm=centre))

    def _drawn(self, one: Rectangle, wider_mm: float) -> Raster:
        wider = {name: getattr(one, name) + 2 * wider_mm for name in ("long_mm", "wide_mm")}
        return self._fill(np.zeros_like(self.closed), replace(one, **wider))

    def _fill(self, blank: Raster, one: Rectangle) -> Raster:
        points = np.array(one.contour) / self.pixel_mm - 0.5  # pixel centres are whole for OpenCV
        fine = (points * 2**8).round().astype(np.int32)
        cv2.fillConvexPoly(blank, fine, 1.0, shift=8)
        return blank


def _sizes(one: Rectangle, least_mm: float) -> list[Rectangle]:
    """Return the rectangle and smaller ones, down to one of the least sides."""
    sizes = [one]
    while max(sizes[-1].long_mm, sizes[-1].wide_mm) > least_mm:
        last = sizes[-1]
        sides = (max(least_mm, SHRINK * side) for side in (last.long_mm, last.wide_mm))
        sizes.append(replace(last, **dict(zip(("long_mm", "wide_mm"), sides, strict=True))))
    return sizes


def _sums(raster: Raster, kernel: Raster, beyond: float) -> Raster:
    """Return the sum under a kernel about each pixel; outside the raster is `beyond`."""
    edge = kernel.shape[0] // 2
    wide = cv2.copyMakeBorder(raster, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=beyond)
    sums = cv2.filter2D(wide, cv2.CV_32F, kernel)
    return sums[edge : sums.shape[0] - edge, edge : sums.shape[1] - edge].astype(np.float32)
