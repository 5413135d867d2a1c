"""Which windows of the sensor are rendered: one per photo, grouped by size."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physadv.core import PlaneMap, Sensor, Window

SIDES_PX = (48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024)
"""Window sides; all multiples of 16, so that JPEG's blocks fit."""
EDGE_PX = 8
"""Free pixels for what blurs reach over."""


@dataclass(frozen=True, eq=False)
class View:
    """Rows of a batch that share a window size, and where the sign lies in their windows.

    `plane` maps mm to window pixels; `outline_px` (B,N,2) is the sign's outline there.
    """

    rows: Tensor
    window: Window
    plane: PlaneMap
    outline_px: Tensor

    def parts(self, most_px: int) -> list["View"]:
        """Cut the rows into parts of at most `most_px` pixels in all (but at least one row)."""
        height, width = self.window.size
        step = max(1, most_px // (height * width))
        return [self._part(slice(i, i + step)) for i in range(0, len(self.rows), step)]

    def _part(self, some: slice) -> "View":
        window = replace(
            self.window, origin_px=self.window.origin_px[some], pitch=self.window.pitch[some]
        )
        plane = PlaneMap(self.plane.matrix[some])
        return View(self.rows[some], window, plane, self.outline_px[some])

    @property
    def box_px(self) -> Tensor:
        """The outline's box, x1y1x2y2, (B,4)."""
        low, high = self.outline_px.amin(dim=1), self.outline_px.amax(dim=1)
        return torch.cat([low, high], dim=1)


def views(
    plane: PlaneMap,
    outline_mm: Tensor,
    sensor: Sensor,
    margin: Tensor,
    most_px: int | None = None,
) -> list[View]:
    """Cut a square window around the sign in each photo and group the rows by window size.

    `margin` (B,) is the free space around the sign's box that framing asks for, as a share of its
    longer side; windows larger than the largest side are cut to it. With `most_px` windows that
    would be larger get pixels 2, 4, 8... times as large instead.
    """
    wanted = _wanted(plane(outline_mm), margin)
    pitch = torch.ones_like(wanted)
    if most_px is not None:
        pitch = torch.exp2(torch.log2((wanted - EDGE_PX) / (most_px - EDGE_PX)).ceil().clamp_min(0))
        plane = PlaneMap(_scaling(1 / pitch) @ plane.matrix)
        wanted = _wanted(plane(outline_mm), margin)
    points = plane(outline_mm)
    ladder = torch.tensor(SIDES_PX)
    side = ladder[torch.bucketize(wanted, ladder.float()).clamp(max=len(ladder) - 1)]
    middle = (points.amin(dim=1) + points.amax(dim=1)) / 2
    origin = (middle - side[:, None] / 2).round()
    return [
        _view(plane, points, Window(origin, (int(s), int(s)), sensor, pitch), side == s)
        for s in side.unique().tolist()
    ]


def _wanted(points: Tensor, margin: Tensor) -> Tensor:
    """Return the side (B,) that a window needs for outlines (B,N,2)."""
    extent = (points.amax(dim=1) - points.amin(dim=1)).amax(dim=1)
    return extent * (1 + 2 * margin) + EDGE_PX


def _scaling(factor: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([factor, factor, torch.ones_like(factor)], dim=1))


def _view(plane: PlaneMap, points: Tensor, window: Window, chosen: Tensor) -> View:
    rows = chosen.nonzero()[:, 0]
    origin = window.origin_px[rows]
    shift = torch.eye(3).repeat(len(rows), 1, 1)
    shift[:, :2, 2] = -origin
    moved = PlaneMap(shift @ plane.matrix[rows])
    part = Window(origin, window.size, window.sensor, window.pitch[rows])
    return View(rows, part, moved, points[rows] - origin[:, None])
