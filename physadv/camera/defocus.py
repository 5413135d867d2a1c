"""Defocus: the disc of confusion."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import between, convolve, normalised, offsets
from physadv.core import Conditions, Linear, Span, Window

LEAST_PX = 0.75
"""Below this even the wider of the two kernels that are mixed is that of a disc this large."""


@dataclass(frozen=True)
class Defocus:
    """A point spreads to an even disc of radius `blur_px` (geometrical optics; Hecht, Optics)."""

    blur_px: Span = Span(0.0, 1.5, neutral=0.0)

    def kernel(self, given: Conditions) -> Tensor:
        """Return the disc kernels (B,k,k), of the disc's variance r^2 / 4 in each direction.

        The edge, soft over a pixel, lies within the disc or half a pixel further out.
        """
        x, y = offsets(math.ceil(self.blur_px.high))
        inside = given["blur_px"][:, None, None].clamp_min(LEAST_PX) - torch.hypot(x, y)
        narrow, wide = (normalised((inside + more).clamp(0, 1)) for more in (0.0, 0.5))
        return between(narrow, wide, given["blur_px"] ** 2 / 2)

    def __call__(self, light: Linear, given: Conditions, _window: Window) -> Linear:
        """Blur light (B,3,H,W)."""
        return convolve(light, self.kernel(given))
