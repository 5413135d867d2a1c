"""Sharpening: the camera's unsharp mask."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from physadv.camera.blur import convolve, normalised, offsets
from physadv.core import Conditions, Encoded, Linear, Span, Window

LUMA = (0.299, 0.587, 0.114)
"""Shares of encoded RGB in luma (ITU-R BT.601, as JPEG uses it)."""

REACH = 3
"""The kernel's half-width in standard deviations."""


@dataclass(frozen=True)
class Sharpen:
    """Add `amount_ratio` of what luma has beyond its blur (Gonzalez & Woods, 3.6).

    The blur is a Gaussian of standard deviation `radius_px`, in pixels of the sensor. Only luma
    is sharpened, so that noise in the colours is not.
    """

    amount_ratio: Span = Span(0.0, 1.0, neutral=0.0)
    radius_px: Span = Span(0.6, 1.2, neutral=1.0)

    def kernel(self, given: Conditions, window: Window) -> Tensor:
        """Return the Gaussians (B,k,k) of the blur."""
        x, y = offsets(math.ceil(REACH * self.radius_px.high))
        spread = (given["radius_px"] / window.pitch)[:, None, None]
        return normalised(torch.exp(-(x**2 + y**2) / (2 * spread**2)))

    def __call__(self, image: Encoded, given: Conditions, window: Window) -> Encoded:
        """Sharpen pictures (B,3,H,W); values may leave [0,1]."""
        luma = (image * image.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
        detail = luma - convolve(Linear(luma), self.kernel(given, window))
        return Encoded(image + given["amount_ratio"][:, None, None, None] * detail)
