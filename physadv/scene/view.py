"""Which windows of the sensor are rendered: one per photo, grouped by size."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from physadv.core import PlaneMap, Sensor, Warp, Window
from physadv.core.pixels import pixel_grid

SIDES_PX: tuple[int, ...] = (48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024)
"""Window sides; all multiples of 16, so that JPEG's blocks of chroma fit too."""
COARSE_PX = (64, 96, 128, 192, 256, 384, 512)
"""Sides while searching: few, as each size is a batch of its own."""
EDGE_PX = 8
"""Free pixels of the sensor for what blurs reach over."""
SNAP_PX = 1
"""Free pixels of the window, however large, that its snapping to whole pixels may take."""
NODES = 6
"""A side: a lens bends a window no more than a polynomial of degree 5 can say."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What places windows on the sensor: its geometry, and how the camera bends the picture.

    `margin` (B,) is the free space around the sign's box that framing asks for, as a share of its
    longer side. With `most_px` larger windows get pixels as much larger instead.
    """

    sensor: Sensor
    margin: Tensor
    warp: Warp | None = None
    most_px: int | None = None


@dataclass(frozen=True, eq=False)
class View:
    """Rows of a batch that share a window size, and where the sign lies in their windows.

    `plane` maps mm to window pixels of an ideal pinhole; `outline_px` (B,N,2) is the sign's
    outline as the camera shows it, which `warp` makes of the pinhole's picture.
    """

    rows: Tensor
    window: Window
    plane: PlaneMap
    outline_px: Tensor
    warp: Warp | None = None

    def parts(self, most_px: int) -> list["View"]:
        """Cut the rows into parts of at most `most_px` pixels in all (but at least one row)."""
        height, width = self.window.size
        step = max(1, most_px // (height * width))
        if step >= len(self.rows):
            return [self]
        return [self._part(slice(i, i + step)) for i in range(0, len(self.rows), step)]

    def _part(self, some: slice) -> "View":
        window = replace(
            self.window, origin_px=self.window.origin_px[some], pitch=self.window.pitch[some]
        )
        plane, warp = PlaneMap(self.plane.matrix[some]), self.warp and self.warp.take(some)
        return View(self.rows[some], window, plane, self.outline_px[some], warp)

    @property
    def box_px(self) -> Tensor:
        """The outline's box, x1y1x2y2, (B,4)."""
        low, high = self.outline_px.amin(dim=1), self.outline_px.amax(dim=1)
        return torch.cat([low, high], dim=1)

    def points_px(self) -> Tensor:
        """Return where the pinhole has the window's pixels, (1,H,W,2) or, bent, (B,H,W,2)."""
        grid = pixel_grid(*self.window.size)[None]
        return grid if self.warp is None else grid + self._bend(self.warp)

    def _bend(self, warp: Warp) -> Tensor:
        """Return the warp's shifts (B,H,W,2) in window pixels, a polynomial through a few nodes."""
        height, width = self.window.size
        rows, columns = _chebyshev(height), _chebyshev(width)
        y, x = torch.meshgrid(rows[0], columns[0], indexing="ij")
        pitch = self.window.pitch.reshape(-1, 1, 1)
        node = torch.stack([x, y], dim=-1).reshape(1, -1, 2)
        points = (node + self.window.origin_px[:, None]) * pitch
        shift = ((warp.ideal(points) - points) / pitch).reshape(-1, NODES, NODES, 2)
        return torch.einsum("hi,bijc,wj->bhwc", rows[1], shift, columns[1])


def _chebyshev(length: int) -> tuple[Tensor, Tensor]:
    """Return nodes (N,) along a side and the weights (length,N) of their values at its pixels."""
    angle = (torch.arange(NODES, dtype=torch.float64) + 0.5) / NODES * torch.pi
    node, pixel = -torch.cos(angle), (torch.arange(length) + 0.5) / length * 2 - 1
    powers = torch.arange(NODES)
    weight = pixel[:, None].double() ** powers @ torch.linalg.inv(node[:, None] ** powers)
    return ((node + 1) / 2 * length).float(), weight.float()


def views(plane: PlaneMap, outline_mm: Tensor, frame: Frame) -> list[View]:
    """Cut a square window around the sign in each photo and group the rows by window size.

    Windows larger than the largest side are cut to it.
    """
    pitch, sides = torch.ones(len(plane.matrix)), SIDES_PX
    points = _seen(plane, outline_mm, frame.warp)
    extent = _extent(points, frame.margin)
    wanted = extent + EDGE_PX
    if frame.most_px is not None:
        sides = (*(side for side in COARSE_PX if side < frame.most_px), frame.most_px)
        pitch = torch.maximum(wanted / frame.most_px, extent / (frame.most_px - SNAP_PX))
        pitch = pitch.clamp_min(1)
        plane = PlaneMap(_scaling(1 / pitch) @ plane.matrix)
        points = points / pitch[:, None, None]
        wanted = wanted / pitch
    ladder = torch.tensor(sides)
    side = ladder[torch.bucketize(wanted - 1e-3, ladder.float()).clamp(max=len(ladder) - 1)]
    middle = (points.amin(dim=1) + points.amax(dim=1)) / 2
    origin = (middle - side[:, None] / 2).round()
    return [
        _view(plane, points, Window(origin, (s, s), frame.sensor, pitch), side == s, frame.warp)
        for s in side.unique().tolist()
    ]


def _seen(plane: PlaneMap, outline_mm: Tensor, warp: Warp | None) -> Tensor:
    points = plane(outline_mm)
    return points if warp is None else warp.photo(points)


def _extent(points: Tensor, margin: Tensor) -> Tensor:
    """Return the longer side (B,) of the boxes of outlines (B,N,2) with their margins."""
    side = (points.amax(dim=1) - points.amin(dim=1)).amax(dim=1)
    return side * (1 + 2 * margin)


def _scaling(factor: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([factor, factor, torch.ones_like(factor)], dim=1))


def _view(
    plane: PlaneMap, points: Tensor, window: Window, chosen: Tensor, warp: Warp | None
) -> View:
    rows = chosen.nonzero()[:, 0]
    origin = window.origin_px[rows]
    shift = torch.eye(3).repeat(len(rows), 1, 1)
    shift[:, :2, 2] = -origin
    moved = PlaneMap(shift @ plane.matrix[rows])
    part = Window(origin, window.size, window.sensor, window.pitch[rows])
    return View(rows, part, moved, points[rows] - origin[:, None], warp and warp.take(rows))
