"""Sensor noise: photon shot noise, dark and read noise and the converter's limits, in electrons."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.core import Conditions, Linear, Seed, Span, Window, generator
from physadv.core.device import kept

BANK = 2**23


@dataclass(frozen=True)
class Noise:
    """Variance is affine in the signal (EMVA 1288): signal / full well + (read / full well)^2.

    `gain_ratio` is the sensor's gain over base ISO: it divides the full well. At 0 the sensor
    is ideal. `full_well_e` and `read_e` are electrons at base ISO; `dark_e` is the mean dark
    signal, of which its own shot noise is left once the black level is taken off: it adds to the
    read noise's variance. If it `clips`, the converter cuts what is above the full well or more
    than the black level's `black_e` below zero; otherwise that is left to the tone curve.

    k^2 binned pixels (a pitch of k) have k^2 times the read and dark noise's variance in
    electrons and k^2 times the black level; their `gain_ratio` comes divided by k^2.
    """

    seed: Seed = Seed()
    gain_ratio: Span = Span(0.5, 8.0, neutral=0.0)
    full_well_e: float = 8000.0
    read_e: float = 3.0
    dark_e: float = 0.0
    black_e: float = 64.0
    clips: bool = False

    def parts(
        self, shape: torch.Size, given: Conditions, window: Window
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the variance's slope and floor (B,1,1,1) and the unit fields of a shape."""
        well = (given["gain_ratio"] / self.full_well_e)[:, None, None, None]
        floor_e = math.sqrt(self.read_e**2 + self.dark_e)
        floor = (floor_e * window.pitch[:, None, None, None] * well) ** 2
        return well, floor, field(given["seed"], shape[1:])

    def __call__(self, light: Linear, given: Conditions, window: Window) -> Linear:
        """Add noise to light (B,3,H,W); the field depends on the row's seed alone."""
        well, floor, unit = self.parts(light.shape, given, window)
        variance = light.clamp(0, 1) * well + floor
        spread = torch.where(well > 0, variance, 1.0).clamp_min(1e-12).sqrt() * (well > 0)
        noisy = light + spread * unit
        if not self.clips:
            return Linear(noisy)
        black = self.black_e * window.pitch[:, None, None, None] ** 2 * well
        cut = torch.maximum(noisy, -black).clamp_max(1)
        return Linear(torch.where(well > 0, cut, light))


@kept
def _bank() -> Tensor:
    return torch.randn(BANK, generator=generator(0))


def field(seed: Tensor, shape: torch.Size) -> Tensor:
    """Return unit normal fields (B, *shape), read from a fixed bank at an offset by seed."""
    strips = _bank().unfold(0, shape.numel(), 1)
    return strips[(seed.long() * 7919) % len(strips)].reshape(-1, *shape)
