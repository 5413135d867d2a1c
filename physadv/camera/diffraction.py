"""Diffraction: how sharply a perfect lens can draw, through the aperture of the pixels."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve
from physadv.core import Conditions, Linear, Span, Window

SECOND_DARK_RING = 2.233
"""Its radius in units of wavelength x f-number; 91 % of the light lies within (Born & Wolf)."""
ALIASES = 4


@dataclass(frozen=True)
class Diffraction:
    """A circular aperture of f-number `f_ratio` before square pixels of side `pixel_mm`.

    The aperture's transfer function is Goodman's closed form (Introduction to Fourier Optics,
    6.3); a pixel sends its light out evenly and another collects it evenly. What lies beyond the
    kernel is folded into it. At 0 the lens is ideal.
    """

    f_ratio: Span = Span(1.6, 5.6, neutral=0.0)
    wavelength_mm: float = 550e-6
    pixel_mm: float = 3e-3

    def kernel(self, given: Conditions) -> Tensor:
        """Return the point spread functions (B,k,k), as far as the widest one's second ring."""
        scale = self.wavelength_mm / self.pixel_mm
        half = math.ceil(SECOND_DARK_RING * scale * self.f_ratio.high)
        frequency, wave = _waves(half)
        radius = torch.hypot(frequency[:, None], frequency)
        loss = 1 - transfer(radius * (scale * given["f_ratio"])[:, None, None])
        point = torch.zeros(2 * half + 1, 2 * half + 1)
        point[half, half] = 1
        return point - wave @ loss @ wave.T

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))


def transfer(frequency: Tensor) -> Tensor:
    """Return a circular aperture's transfer function, 1 to 0, at shares of its cut-off."""
    share = frequency.clamp(0, 1)
    # As a loss, so that it is exactly 1 at 0.
    return 1 - (torch.asin(share) + share * (1 - share**2).sqrt()) * (2 / math.pi)


def _waves(half: int) -> tuple[Tensor, Tensor]:
    """Return frequencies (F,) in cycles a pixel and their waves (k,F), weighted by the pixels.

    Each of the k frequencies that a kernel has comes with its aliases; the squared sinc of the
    two apertures says how much of each arrives, and the outermost stand for those beyond.
    """
    side = 2 * half + 1
    place = torch.arange(-half, half + 1).double()
    alias = torch.arange(-ALIASES, ALIASES + 1).double()
    frequency = place[:, None] / side + alias
    weight = torch.sinc(frequency) ** 2
    weight[:, [0, -1]] += (1 - weight.sum(dim=1, keepdim=True)) / 2
    wave = torch.cos(2 * math.pi * place[:, None, None] * (place / side)[:, None]) / side
    waves = (wave * weight).flatten(1)
    return frequency.flatten().float(), waves.float()
