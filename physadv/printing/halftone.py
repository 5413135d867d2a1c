"""Halftones: how much of the paper ink covers, how it spreads, how much of it is laid down.

Three inks, each of which darkens one channel (block dyes): cyan red, magenta green, yellow blue.
Areas are shares of the paper that an ink covers, (B,3,h,w) in [0,1].
"""

import torch
from torch import Tensor

MOST_INK_PCT = 300.0
"""All three inks solid."""


def limit_ink(area: Tensor, ink_limit_pct: float) -> Tensor:
    """Scale the inks down together where their sum exceeds the limit (total area coverage)."""
    if ink_limit_pct >= MOST_INK_PCT:
        return area
    total_pct = 100 * area.sum(dim=1, keepdim=True)
    return area * (ink_limit_pct / total_pct.clamp_min(ink_limit_pct))


def gain_dots(area: Tensor, dot_gain_pct: float) -> Tensor:
    """Add the tone value increase of ISO 12647-2: `dot_gain_pct` at 50 %, none at 0 and 100 %.

    Between them it follows the parabola 4 g a (1 - a), which is monotone up to g = 25 %.
    """
    return area + dot_gain_pct / 25 * area * (1 - area) if dot_gain_pct else area


def reflect(area: Tensor, black_ratio: float, white: Tensor, n_ratio: float) -> Tensor:
    """Return the mean reflectance of paper `white` (3,1,1) under halftone dots.

    Yule and Nielsen 1951: R^(1/n) = (1 - a) white^(1/n) + a black^(1/n); n = 1 is Murray-Davies
    1936, n up to 2 tells of light that spreads in the paper between the dots.
    """
    black = black_ratio ** (1 / n_ratio)
    mixed = black + (white ** (1 / n_ratio) - black) * (1 - area)
    return torch.pow(mixed.clamp_min(0), n_ratio)
