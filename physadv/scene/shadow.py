"""A shadow cast on the sign: a pole, a branch or a roof's edge, with the sun's penumbra."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Sight, Span

SUN_DEG = 0.53
"""The sun's angular diameter: it makes the penumbra 9.3 mm wide for each metre to the caster."""


@dataclass(frozen=True)
class Shadow:
    """The shadow of a straight bar, `strength_ratio` of the light being gone where it is full.

    The bar's shadow is `width_mm` wide and `length_mm` long (a pole's has no end), its middle at
    (x_mm, y_mm) from the sign's, turned clockwise from upright by `turn_deg`; a wide and long one
    is the edge of a roof. `caster_m` is the way from the caster to the sign.
    """

    strength_ratio: Span = Span(0.0, 0.8, neutral=0.0)
    x_mm: Span = Span(-350.0, 350.0, neutral=0.0)
    y_mm: Span = Span(-350.0, 350.0, neutral=0.0)
    turn_deg: Span = Span(-90.0, 90.0, neutral=0.0)
    width_mm: Span = Span(40.0, 600.0, neutral=100.0)
    length_mm: Span = Span.at(math.inf, neutral=math.inf)
    caster_m: Span = Span(1.0, 15.0, neutral=5.0)

    def factor(self, sight: Sight, given: Conditions) -> Tensor:
        """Return the share of light that is left, (B,1,H,W)."""
        return 1 - given["strength_ratio"][:, None, None, None] * self.hidden(sight, given)

    def hidden(self, sight: Sight, given: Conditions) -> Tensor:
        """Return the share of the sun's disc that the bar hides, (B,1,H,W).

        Exact for bars without ends, also where they are narrower than the penumbra; at the
        corners of others the two directions are taken as independent.
        """
        rows = {name: value[:, None, None] for name, value in given.items()}
        angle = torch.deg2rad(rows["turn_deg"])
        x = sight.points_mm[..., 0] - (rows["x_mm"] + sight.size_mm[1] / 2)
        y = sight.points_mm[..., 1] - (rows["y_mm"] + sight.size_mm[0] / 2)
        radius = rows["caster_m"] * 1000 * math.tan(math.radians(SUN_DEG / 2))
        share = _strip(x * angle.cos() + y * angle.sin(), rows["width_mm"], radius)
        if not self.length_mm.idle:
            share = share * _strip(y * angle.cos() - x * angle.sin(), rows["length_mm"], radius)
        return share[:, None]


def _strip(across: Tensor, width: Tensor, radius: Tensor) -> Tensor:
    """Return the share of a disc about `across` that lies in a strip about 0."""
    return _half_plane((across + width / 2) / radius) - _half_plane((across - width / 2) / radius)


def _half_plane(reach: Tensor) -> Tensor:
    """Return the share of the unit disc on the near side of a line at `reach` from its middle."""
    t = reach.clamp(-1, 1)
    return 0.5 + (t * (1 - t**2).sqrt() + torch.asin(t)) / math.pi
