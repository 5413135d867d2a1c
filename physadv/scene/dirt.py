"""Mud and dust on the sign and its stickers: seeded blots of a set mean share."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from physadv.core import Conditions, Seed, Sight, Span, generator
from physadv.core.device import kept

BANK_PX = 512
BLOT_PX = 18
"""Texels of the bank that make one blot."""
GRAINS_PX = ((4.5, 0.8), (1.5, 0.2))
"""Standard deviations of the two kernels that the field is made with, and shares of variance."""
BLURS_PX = (0.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MUD = (0.13, 0.09, 0.06)
DUST = (0.42, 0.36, 0.28)


@dataclass(frozen=True)
class Dirt:
    """Blots of about `blot_mm` that cover `cover_ratio` of the sign in the mean over seeds.

    `dryness_ratio` is their colour, from wet mud (0) to dust (1), as reflectance.
    """

    seed: Seed = Seed()
    cover_ratio: Span = Span(0.0, 0.15, neutral=0.0)
    blot_mm: Span = Span(40.0, 200.0, neutral=100.0, log=True)
    dryness_ratio: Span = Span(0.0, 1.0, neutral=0.0)

    def alpha(self, sight: Sight, given: Conditions) -> Tensor:
        """Return the covered share of each pixel, (B,1,H,W)."""
        return blots(sight, given["seed"], given["blot_mm"], given["cover_ratio"], edge_ratio=0.3)

    def colour(self, given: Conditions) -> Tensor:
        """Return the dirt's reflectance, (B,3,1,1)."""
        share = given["dryness_ratio"][:, None, None, None]
        wet, dry = (share.new_tensor(tone)[:, None, None] for tone in (MUD, DUST))
        return torch.lerp(wet, dry, share)


def blots(sight: Sight, seed: Tensor, size_mm: Tensor, share: Tensor, edge_ratio: float) -> Tensor:
    """Return a pattern of blots (B,1,H,W) with mean `share` (B,), a pixel's being its own mean.

    A Gaussian field is cut at its quantile. Pixels see it blurred to a variance v < 1, and their
    mean of the cut pattern is the normal distribution's value at (quantile - field) /
    sqrt(1 - v + edge^2): an average over the detail that they miss, with edges softened by
    `edge_ratio`. The quantile is stretched so that the mean stays `share`. Each seed is a place
    and a direction in one periodic bank.
    """
    scale = BLOT_PX / size_mm
    level = _level(pixel_mm(sight) * scale)
    bank, variance = _bank()
    field = _read(bank, *_placed(sight, scale / BANK_PX, seed), level)
    quantile = torch.special.ndtri(share) * math.sqrt(1 + edge_ratio**2)
    missing = (1 - variance[level] + edge_ratio**2).sqrt() * math.sqrt(2)
    slope, start = (-1 / missing)[:, None, None, None], (quantile / missing)[:, None, None, None]
    return torch.erf(torch.addcmul(start, slope, field)) * 0.5 + 0.5


def pixel_mm(sight: Sight) -> Tensor:
    """Return the side (B,) of what the window's middle pixel sees of the plane."""
    row, column = sight.points_mm.shape[1] // 2, sight.points_mm.shape[2] // 2
    middle = sight.points_mm[:, row, column]
    a, b = (sight.points_mm[:, row, column - 1] - middle).unbind(1)
    c, d = (sight.points_mm[:, row - 1, column] - middle).unbind(1)
    return (a * d - b * c).abs().sqrt()


def _level(pixel: Tensor) -> Tensor:
    """Return the index (B,) of the blur nearest to that of a square pixel (its side / sqrt 12)."""
    steps = pixel.new_tensor(BLURS_PX)
    return torch.bucketize(pixel / math.sqrt(12), (steps[1:] + steps[:-1]) / 2)


def _placed(sight: Sight, scale: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and y (B,H,W) in the bank, in periods from 0 to 1.

    The plane is scaled, turned and moved by seed; multiples of irrationals spread evenly.
    """
    steps = torch.tensor([0.7548776662466927, 0.5698402909980532, 2**0.5], dtype=torch.float64)
    chance = (seed.double()[:, None] * steps.to(seed.device) % 1).to(scale.dtype)
    start_x, start_y, turn = chance[:, :, None, None].unbind(1)
    a = scale[:, None, None] * torch.cos(2 * math.pi * turn)
    b = scale[:, None, None] * torch.sin(2 * math.pi * turn)
    x, y = sight.points_mm.unbind(-1)
    x, y = x - sight.size_mm[1] / 2, y - sight.size_mm[0] / 2
    u = torch.addcmul(torch.addcmul(start_x, x, a), y, -b)
    v = torch.addcmul(torch.addcmul(start_y, x, b), y, a)
    return u - u.floor(), v - v.floor()


def _read(bank: Tensor, x: Tensor, y: Tensor, level: Tensor) -> Tensor:
    """Read levels (B,) of the bank at places (B,H,W) in its period: (B,1,H,W)."""
    rows, height, width = x.shape
    last = bank.shape[2] - 1
    top = (level * (BANK_PX + 1) * (2 / last) - 1)[:, None, None]
    places = torch.stack([x * 2 - 1, y * (2 * BANK_PX / last) + top], dim=-1)
    tall = places.reshape(1, rows * height, width, 2)
    return F.grid_sample(bank, tall, align_corners=True).reshape(rows, 1, height, width)


@kept
def _bank() -> tuple[Tensor, Tensor]:
    """Return the field at every blur, one below the other, and the variances left (L,).

    The finest level's values are exactly normal quantiles; a repeated row and column closes
    each level.
    """
    white = torch.fft.rfft2(torch.randn(BANK_PX, BANK_PX, generator=generator(0)))
    mixed = sum(_unit(_blurred(white, sigma)) * math.sqrt(part) for sigma, part in GRAINS_PX)
    order = torch.as_tensor(mixed).flatten().argsort().argsort()
    finest = torch.special.ndtri((order + 0.5) / len(order)).reshape(BANK_PX, BANK_PX)
    spectrum = torch.fft.rfft2(finest)
    levels = torch.stack([_blurred(spectrum, sigma) for sigma in BLURS_PX])
    closed = F.pad(levels[None], (0, 1, 0, 1), mode="circular")
    variance = levels.var(dim=(1, 2)).clamp_max(1)
    return closed.reshape(1, 1, -1, BANK_PX + 1), variance


def _unit(field: Tensor) -> Tensor:
    return field / field.std()


def _blurred(spectrum: Tensor, sigma: float) -> Tensor:
    """Blur by a periodic Gaussian of `sigma` texels."""
    y, x = torch.fft.fftfreq(BANK_PX)[:, None], torch.fft.rfftfreq(BANK_PX)
    kernel = torch.exp(-2 * (math.pi * sigma) ** 2 * (x**2 + y**2))
    field: Tensor = torch.fft.irfft2(spectrum * kernel, s=(BANK_PX, BANK_PX))
    return field
