"""Droplets: rain on the windscreen, too near to be in focus."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.camera.scatter import chance
from physadv.core import Conditions, Linear, Seed, Span, Window

CELL = 2.2
"""The side of the square that holds at most one drop, in radii of the largest drop."""
RIM = 0.4
"""How much of a drop's radius its soft rim takes."""
POOL = 4
DISC = math.pi * 7 / 12 * (1 + (1 - RIM) + (1 - RIM) ** 2) / 3
"""What a drop covers on average, in squares of the largest radius: radii are even from half to
whole, and the soft rim is a cone's."""


@dataclass(frozen=True)
class Droplets:
    """Soft discs cover `share_ratio` of the glass (at most 0.24); what they show is a blur.

    A drop is a small wide lens: it turns what lies around its middle upside down (Roser & Geiger,
    ICCV Workshops 2009), here at the same size and blurred over about eight of the window's
    pixels. `radius_px` is the largest drop's, in pixels of the sensor; the drops keep their places
    on the sensor, whatever window sees them.
    """

    seed: Seed = Seed()
    share_ratio: Span = Span(0.0, 0.2, neutral=0.0)
    radius_px: Span = Span(8.0, 24.0, neutral=16.0)

    def cover(self, given: Conditions, window: Window) -> tuple[Tensor, Tensor]:
        """Return how much drops cover, (B,1,H,W), and from where to their middles (B,H,W,2)."""
        radius = given["radius_px"][:, None, None]
        cell, inside = _cells(window.pixels(), CELL * radius)
        picks = chance(given["seed"], cell, 4)
        size = radius * (1 + picks[..., 0]) / 2
        room = CELL * radius - 2 * size
        middle = size[..., None] + picks[..., 1:3] * room[..., None]
        away = middle - inside
        soft = (1 - away.norm(dim=-1) / size) / RIM
        wanted = given["share_ratio"][:, None, None] * CELL**2 / DISC
        return (soft.clamp(0, 1) * (picks[..., 3] < wanted))[:, None], away

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Look at light (B,3,H,W) through the drops."""
        cover, away = self.cover(given, window)
        place = window.pixels() + 2 * away
        seen = _blurred(light, place / window.pitch[:, None, None, None], window)
        return Linear(light + cover * (seen - light))


def _cells(place: Tensor, side: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squares of a grid that places (B,H,W,2) are in, and where inside them."""
    cell = (place / side[..., None]).floor()
    return cell, place - cell * side[..., None]


def _blurred(light: Linear, place_px: Tensor, window: Window) -> Tensor:
    """Return light (B,3,H,W) at places (B,H,W,2) of the window's sensor, from a coarse copy."""
    coarse = F.avg_pool2d(light, POOL, ceil_mode=True)
    extent = torch.tensor(coarse.shape[:1:-1]) * POOL
    where = 2 * (place_px - window.origin_px[:, None, None]) / extent - 1
    return F.grid_sample(coarse, where.to(light.dtype), padding_mode="border", align_corners=False)
