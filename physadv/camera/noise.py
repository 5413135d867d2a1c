"""Sensor noise: photon shot noise and read noise, in electrons."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Seed, Span, Window, generator

BANK = 2**23


@dataclass(frozen=True)
class Noise:
    """Variance is affine in the signal (EMVA 1288): signal / full well + (read / full well)^2.

    `gain_ratio` is the sensor's gain over base ISO: it divides the full well. At 0 the sensor
    is ideal. `full_well_e` and `read_e` are electrons at base ISO.
    """

    seed: Seed = Seed()
    gain_ratio: Span = Span(0.5, 8.0, neutral=0.0)
    full_well_e: float = 8000.0
    read_e: float = 3.0

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Add noise to light (B,3,H,W); the field depends on the row's seed alone."""
        pitch = window.pitch[:, None, None, None]
        well = (given["gain_ratio"] / self.full_well_e)[:, None, None, None]
        variance = light.clamp(0, 1) * well + (self.read_e * pitch * well) ** 2
        spread = torch.where(well > 0, variance, 1.0).clamp_min(1e-12).sqrt() * (well > 0)
        return Linear(light + spread * field(given["seed"], light.shape[1:]))


@lru_cache(maxsize=1)
def _bank() -> Tensor:
    return torch.randn(BANK, generator=generator(0))


def field(seed: Tensor, shape: torch.Size) -> Tensor:
    """Return unit normal fields (B, *shape), read from a fixed bank at an offset by seed."""
    strips = _bank().unfold(0, shape.numel(), 1)
    return strips[(seed.long() * 7919) % len(strips)].reshape(-1, *shape)
