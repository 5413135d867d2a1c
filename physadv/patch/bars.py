"""Bars: a few rectangles of one colour each that the search moves, turns, stretches and colours."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Ink, check
from physadv.core.device import here
from physadv.patch.mask import Mask
from physadv.patch.shapes import laid, points_mm, traced

NUMBERS = 8
"""Of each bar: middle x and y, length, width, turn, red, green, blue."""
TRACED_PX = 1024
TURN_RAD = math.pi
SATURATED = 0.95
NEAR = 1e-5


@dataclass(frozen=True)
class Bars:
    """`count` rectangles within `reach_mm` of the frame's middle; theta (count,8) is in [0,1].

    Together they take at most `area_mm2`; each side is at least `min_mm` and at most `most_mm`.
    With `grey` all three colours are the mean of theirs; printed hard, a grey below one half is
    black and any other white.
    """

    size_mm: tuple[float, float]
    reach_mm: float
    area_mm2: float
    count: int = 4
    min_mm: float = 40.0
    most_mm: float = 400.0
    grey: bool = False

    def __post_init__(self) -> None:
        """Refuse an area too small for the least bars, and bars too large for their place."""
        least = self.count * self.min_mm**2
        wanted, got = f"at least {least:g} mm2 for {self.count} bars", f"{self.area_mm2:.0f} mm2"
        check(self.area_mm2 >= least, "area", expected=wanted, got=got, fix="allow fewer pieces")
        room = f"less than {self.reach_mm * math.sqrt(2):.0f} mm"
        fits = self.min_mm < self.reach_mm * math.sqrt(2)
        check(fits, "min-mm", expected=room, got=f"{self.min_mm:g} mm")

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of theta."""
        return self.count, NUMBERS

    def start(self, rng: torch.Generator) -> Tensor:
        """Return bars anywhere, of any colour."""
        return self.project(torch.rand(self.shape, generator=rng))

    def project(self, theta: Tensor) -> Tensor:
        """Return bars like these that keep the limits: smaller first, then nearer to the middle."""
        theta = theta.clamp(0, 1)
        sides = 2 * self._parts(theta)[1]
        smaller = self._fitting(_within_area(sides, self.area_mm2, self.min_mm))
        size = (smaller - self.min_mm) / (self.most_mm - self.min_mm)
        theta = torch.cat([theta[:, :2], _if_far(size, theta[:, 2:4]), theta[:, 4:]], dim=1)
        middle, half, *_ = self._parts(theta)
        most = (self.reach_mm - half.norm(dim=1, keepdim=True)).clamp_min(0)
        nearer = middle * (most / middle.norm(dim=1, keepdim=True).clamp_min(1e-6)).clamp_max(1)
        place = _if_far(nearer / (2 * self.reach_mm) + 0.5, theta[:, :2])
        return torch.cat([place, theta[:, 2:]], dim=1).clamp(0, 1)

    def touch(self, theta: Tensor, width_px: int = 512) -> Ink:
        """Return the ink over the frame at `width_px` columns, differentiable in all numbers."""
        middle, half, turn, colour = self._parts(theta)
        frame = here(torch.tensor([self.size_mm[1] / 2, self.size_mm[0] / 2]))
        apart = points_mm(self.size_mm, width_px) - (frame + middle)[:, None, None]
        cos, sin = (f(turn)[:, None, None] for f in (torch.cos, torch.sin))
        along = apart[..., 0] * cos + apart[..., 1] * sin
        across = apart[..., 1] * cos - apart[..., 0] * sin
        inside = torch.minimum(half[:, :1, None] - along.abs(), half[:, 1:, None] - across.abs())
        ink = laid(inside, colour.mean(dim=1, keepdim=True).expand(-1, 3) if self.grey else colour)
        palette = here(torch.tensor([[0.0] * 3, [1.0] * 3])) if self.grey else None
        return Ink(ink.colour, ink.cover, palette)

    def cut(self, theta: Tensor) -> Mask:
        """Return the contours of what is printed."""
        return traced(self.touch(theta, TRACED_PX).cover, self.size_mm)

    def doubts(self, theta: Tensor) -> tuple[str, ...]:
        """Doubt bars that could not become smaller."""
        least = float((self._parts(theta)[1] * 2 <= self.min_mm + 0.5).float().mean())
        told = f"{100 * least:.0f} % of the bars' sides are at their least"
        return (told,) if least > SATURATED else ()

    def controls(self, theta: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Return bars that a fair attack must beat.

        blank, mean colour and random noise are the same bars white, in their mean colour and in
        random ones; shuffled are the same bars with each other's colours and turns, and random
        place are bars of the same sizes and colours anywhere.
        """
        order = torch.randperm(self.count, generator=rng)
        colour, elsewhere = theta[:, 5:], theta.clone()
        elsewhere[:, :2] = torch.rand(self.count, 2, generator=rng)
        elsewhere[:, 4] = torch.rand(self.count, generator=rng)
        turned = torch.cat([theta[:, :4], theta[order, 4:]], dim=1)
        return {
            "blank": _coloured(theta, torch.ones_like(colour)),
            "mean colour": _coloured(theta, colour.mean(dim=0).expand_as(colour)),
            "random noise": _coloured(theta, torch.rand(colour.shape, generator=rng)),
            "shuffled": self.project(turned),
            "random place": self.project(elsewhere),
        }

    def _parts(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return middles from the frame's (k,2) and half sides (k,2) in mm, turns (k,), colours."""
        middle = (theta[:, :2] - 0.5) * 2 * self.reach_mm
        half = (self.min_mm + theta[:, 2:4] * (self.most_mm - self.min_mm)) / 2
        return middle, half, theta[:, 4] * TURN_RAD, theta[:, 5:]

    def _fitting(self, sides: Tensor) -> Tensor:
        """Return sides (k,2) whose longer is as long as the shorter and the place allow."""
        short = sides.amin(dim=1, keepdim=True).clamp_max(self.reach_mm * math.sqrt(2))
        long = (4 * self.reach_mm**2 - short**2).sqrt()
        return torch.where(sides > short, torch.minimum(sides, long), short)


def _if_far(wanted: Tensor, own: Tensor) -> Tensor:
    """Return what is wanted, but what is there where rounding alone tells them apart."""
    return torch.where((wanted - own).abs() > NEAR, wanted, own)


def _coloured(theta: Tensor, colour: Tensor) -> Tensor:
    return torch.cat([theta[:, :5], colour], dim=1)


def _within_area(sides: Tensor, area_mm2: float, least_mm: float) -> Tensor:
    """Return sides (k,2) that are nearer to the least by one share, so that they take the area."""
    low, high = 0.0, 1.0
    for _ in range(30):
        share = (low + high) / 2
        tried = least_mm + (sides - least_mm) * share
        low, high = (share, high) if float(tried.prod(dim=1).sum()) <= area_mm2 else (low, share)
    whole = float(sides.prod(dim=1).sum()) <= area_mm2
    return sides if whole else least_mm + (sides - least_mm) * low
