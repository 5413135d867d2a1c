"""Defocus: the disc of confusion."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve, normalised, offsets
from physadv.core import Conditions, Linear, Span, Window


@dataclass(frozen=True)
class Defocus:
    """A point spreads to an even disc of radius `blur_px` (geometrical optics; Hecht, Optics)."""

    blur_px: Span = Span(0.0, 1.5, neutral=0.0)

    def kernel(self, given: Conditions) -> Tensor:
        """Return the disc kernels (B,k,k); the disc's edge is anti-aliased over a pixel."""
        x, y = offsets(math.ceil(self.blur_px.high))
        distance = torch.hypot(x, y)
        return normalised((given["blur_px"][:, None, None] + 0.5 - distance).clamp(0, 1))

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))
