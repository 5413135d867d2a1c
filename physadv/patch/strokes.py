"""Graffiti: strokes of a spray can or a marker along smooth lines, in one colour each."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Ink, check
from physadv.core.device import here
from physadv.patch.mask import Mask
from physadv.patch.shapes import EDGE_MM, laid, points_mm, traced

STEPS = 12
"""Straight pieces between two of a stroke's points."""
TRACED_PX = 1024
NEAR_MM = 0.01
"""What rounding moves a point by, at most."""


@dataclass(frozen=True)
class Strokes:
    """`count` strokes of `width_mm` through `knots` points each, within `reach_mm` of the middle.

    theta (count,knots,2) and a colour as one more row of each, padded: (count,knots+2,2), all in
    [0,1]; the last two rows hold red, green, blue and nothing. The line is a Catmull-Rom spline
    (Catmull & Rom 1974), which goes through its points. No stroke is longer than `most_mm`. A loop
    is cut out with what it encloses.
    """

    size_mm: tuple[float, float]
    reach_mm: float
    count: int = 3
    knots: int = 4
    width_mm: float = 30.0
    most_mm: float = 500.0

    def __post_init__(self) -> None:
        """Refuse strokes without length or width."""
        check(self.knots >= 2, "knots", expected="at least 2", got=self.knots)
        got = f"{self.most_mm:.0f} mm"
        long = self.most_mm >= self.width_mm
        check(long, "area", expected="strokes longer than wide", got=got, fix="allow fewer pieces")
        fits = 0 < self.width_mm < 2 * self.reach_mm
        check(fits, "width_mm", expected=f"below {2 * self.reach_mm:g} mm", got=self.width_mm)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of theta."""
        return self.count, self.knots + 2, 2

    def start(self, rng: torch.Generator) -> Tensor:
        """Return strokes from anywhere to anywhere."""
        return self.project(torch.rand(self.shape, generator=rng))

    def project(self, theta: Tensor) -> Tensor:
        """Return strokes like these in their place, those too long drawn together."""
        theta = theta.clamp(0, 1)
        points = self._knots(theta)
        length = _length(_spline(points))[:, None, None]
        middle = points.mean(dim=1, keepdim=True)
        short = middle + (points - middle) * (self.most_mm / length.clamp_min(1e-6)).clamp_max(1)
        inner = self.reach_mm - self.width_mm / 2
        near = short * (inner / short.norm(dim=2, keepdim=True).clamp_min(1e-6)).clamp_max(1)
        moved = (near - points).abs() > NEAR_MM
        place = torch.where(moved, near / (2 * self.reach_mm) + 0.5, theta[:, : self.knots])
        return torch.cat([place.clamp(0, 1), theta[:, self.knots :]], dim=1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns, differentiable in all points."""
        frame = here(torch.tensor([self.size_mm[1] / 2, self.size_mm[0] / 2]))
        line = _spline(self._knots(theta)) + frame
        away = _distance(points_mm(self.size_mm, width_px), line, self.width_mm / 2 + EDGE_MM)
        return laid(self.width_mm / 2 - away, self._colours(theta))

    def cut(self, theta: Tensor) -> Mask:
        """Return the contours of what is printed."""
        return traced(self.touch(theta, TRACED_PX).cover, self.size_mm)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt strokes that are mere dots."""
        dots = int((_length(_spline(self._knots(theta))) < self.width_mm).sum())
        return (f"{dots} of {self.count} strokes are shorter than they are wide",) if dots else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return strokes that a fair attack must beat.

        blank, mean colour and random noise are the same strokes white, in their mean colour and
        in random ones; turned are the same strokes turned together about the middle, mirrored or
        not, and random place are others as long, of the same colours.
        """
        colours, points = theta[:, self.knots :], theta[:, : self.knots] - 0.5
        other = torch.rand(points.shape, generator=rng)
        angle = math.tau * float(torch.rand(1, generator=rng))
        side = float(torch.randint(2, (1,), generator=rng)) * 2 - 1
        turn = torch.tensor(
            [[math.cos(angle), -math.sin(angle)], [side * math.sin(angle), side * math.cos(angle)]]
        )
        own, mean = theta[:, : self.knots], colours.mean(dim=0).expand_as(colours)
        drawn = {
            "blank": (own, torch.ones_like(colours)),
            "mean colour": (own, mean),
            "random noise": (own, torch.rand(colours.shape, generator=rng)),
            "turned": (points @ turn.T + 0.5, colours),
            "random place": (other, colours),
        }
        return {name: self.project(torch.cat(parts, dim=1)) for name, parts in drawn.items()}

    def _knots(self, theta: Tensor) -> Tensor:
        """Return the points (count,knots,2) in mm from the frame's middle."""
        return (theta[:, : self.knots] - 0.5) * 2 * self.reach_mm

    def _colours(self, theta: Tensor) -> Tensor:
        return theta[:, self.knots :].flatten(1)[:, :3]


def _spline(knots: Tensor) -> Tensor:
    """Return the points (k,n,2) of Catmull-Rom splines through knots (k,m,2)."""
    first, last = 2 * knots[:, :1] - knots[:, 1:2], 2 * knots[:, -1:] - knots[:, -2:-1]
    wide = torch.cat([first, knots, last], dim=1)
    a, b, c, d = (wide[:, i : wide.shape[1] - 3 + i, None] for i in range(4))
    t = (torch.arange(STEPS).to(knots) / STEPS)[:, None]
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
    curve = (curve + (3 * b - a - 3 * c + d) * t**3) / 2
    return torch.cat([curve.flatten(1, 2), knots[:, -1:]], dim=1)


def _length(line: Tensor) -> Tensor:
    pieces: Tensor = line.diff(dim=1).norm(dim=2)
    return pieces.sum(dim=1)


def _distance(points: Tensor, line: Tensor, reach_mm: float) -> Tensor:
    """Return how far points (h,w,2) are from lines (k,n,2) of straight pieces, (k,h,w).

    Where no gradient is asked for, what is beyond `reach_mm` is not looked at but endless.
    """
    if not (line.requires_grad and torch.is_grad_enabled()):
        return _near(points, line, reach_mm)
    squares = line.new_full((len(line), *points.shape[:2]), float("inf"))
    for piece in range(line.shape[1] - 1):
        start, end = line[:, None, None, piece], line[:, None, None, piece + 1]
        squares = torch.minimum(squares, _squared(points, start, end))
    return torch.sqrt(squares + 1e-6)


def _near(points: Tensor, line: Tensor, reach_mm: float) -> Tensor:
    """Return the same, from the box of pixels around each piece alone."""
    squares = line.new_full((len(line), *points.shape[:2]), float("inf"))
    columns, rows = points[0, :, 0].contiguous(), points[:, 0, 1].contiguous()
    for one, own in zip(squares, line, strict=True):
        low = torch.minimum(own[:-1], own[1:]) - reach_mm
        high = torch.maximum(own[:-1], own[1:]) + reach_mm
        left, right = (torch.searchsorted(columns, end[:, 0].contiguous()) for end in (low, high))
        top, under = (torch.searchsorted(rows, end[:, 1].contiguous()) for end in (low, high))
        boxes = torch.stack([top, under, left, right], dim=1).tolist()
        for (y0, y1, x0, x1), start, end in zip(boxes, own[:-1], own[1:], strict=True):
            box = (slice(y0, y1), slice(x0, x1))
            one[box] = torch.minimum(one[box], _squared(points[box], start, end))
    return torch.sqrt(squares + 1e-6)


def _squared(points: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Return the squared distance of points (...,2) from straight pieces."""
    way, apart = end - start, points - start
    along = (apart * way).sum(dim=-1) / (way**2).sum(dim=-1).clamp_min(1e-9)
    gap = apart - along.clamp(0, 1)[..., None] * way
    return (gap**2).sum(dim=-1)
